// Defines all tests of what is refused. Which databases they run on, the test files say.

import "./api_matrix.ts";
import "./privileges.ts";
import "./shadowing.ts";
import "./escalation.ts";
import "./incomplete_calls.ts";
import "./deep_input.ts";
import "./hostile_calls.ts";
import "./hostile_names.ts";
