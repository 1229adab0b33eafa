/*
 * A step outside a transaction, for spin: sql/outside_transaction.sql and
 * lib/operations/outside_transaction.ts, with the build of an index as the effect. That a call of
 * advance takes effect once, and under the lock alone, is what protocol.pml is searched for: here
 * such a call is one step. Runs lose the lock and die wherever they like, connections break, and
 * what was sent over one arrives late or never.
 */

/* ---- What must never happen. With ONLY, nothing but that one is looked for. ---- */

#define BUILT_TWICE 21   /* a build begins where one has been, or has left something */
#define TWO_AT_WORK 22   /* two server processes are at the step at the same time */
#define FALSE_PROOF 23   /* the step is recorded as done, and the index is not valid */
#define DROPPED_VALID 24 /* an index that is valid is cleared away */

#ifdef ONLY
#define never(what, unless) assert(what != ONLY || (unless))
#else
#define never(what, unless) assert(unless)
#endif

/* ---- What must be possible, or the search shows nothing. With GOAL, it ends there. ---- */

#define TAKEN_FOR_ITS_OWN 21 /* a run records what another one's attempt has built */
#define CLEARED_AWAY 22      /* what an attempt has left is dropped */
#define CUT_OFF 23           /* the connection of a run that is gone is ended before it is used */

#ifdef GOAL
#define reached(goal, when) assert(goal != GOAL || !(when))
#else
#define reached(goal, when) skip
#endif

#ifndef RUNS
#define RUNS 2
#endif
#ifndef ATTEMPTS
#define ATTEMPTS 3  /* how many connections a run opens, one after the other */
#endif
#define CONNECTIONS (RUNS * ATTEMPTS)

mtype = { none, invalid, valid };          /* the index, as the catalog shows it */
mtype = { closed, idle, working, gone };   /* a server process */
mtype = { nothing, build, drop };          /* what a run has sent over a connection */

mtype index = none;
mtype process[CONNECTIONS] = closed;
mtype sent[CONNECTIONS] = nothing;
bool answered[CONNECTIONS], failed[CONNECTIONS];
bool is_dead[RUNS];

/* The history row: the intent and the connection that it names, and how it ended. */
bool has_intent, is_recorded, has_failed;
byte named;
byte holder = RUNS;  /* of the lock; RUNS is nobody */

#define is_over (is_recorded || has_failed)
#define nobody_at_work (process_at_work == 0)
byte process_at_work;

/* ---- The server's processes, one for each connection. ---- */

proctype backend(byte its)
{
  mtype what;

end_idle:
  do
  :: atomic { process[its] == idle && sent[its] != nothing ->
       what = sent[its]; sent[its] = nothing;
       process[its] = working;
       never(TWO_AT_WORK, nobody_at_work);
       process_at_work++;
       printf("database: connection %d begins to %e\n", its + 1, what);
       if
       :: what == build -> never(BUILT_TWICE, index == none); index = invalid
       :: what == drop ->
          never(DROPPED_VALID, index != valid);
          reached(CLEARED_AWAY, true)
       fi }
     atomic {
       if
       :: true ->  /* it comes to its end */
          if
          :: what == build -> index = valid
          :: what == drop && index == invalid -> index = none
          :: else
          fi;
          process[its] = idle; answered[its] = true;
          printf("database: connection %d ends the %e\n", its + 1, what)
       :: what == build ->  /* it fails, as a unique index does */
          process[its] = idle; answered[its] = true; failed[its] = true;
          printf("database: connection %d fails to %e\n", its + 1, what)
       :: true ->  /* it is killed, or the connection breaks */
          process[its] = gone;
          printf("database: connection %d breaks in the %e\n", its + 1, what)
       fi;
       process_at_work--; what = 0 }
  :: atomic { process[its] == gone -> sent[its] = nothing; break }
  od
}

/* ---- A run. ---- */

inline advance()
{
  instruction = nothing;
  if
  :: holder != me -> printf("run %d: has lost the lock\n", me + 1); goto over
  :: holder == me && is_over -> goto over
  :: holder == me && !is_over && !has_intent ->
     has_intent = true; named = mine; instruction = build
  :: holder == me && !is_over && has_intent ->
     if
#ifndef NO_LOOK_AT_ACTIVITY
     :: process[named] == working  /* running */
#endif
#ifndef IDLE_IS_GONE
     :: process[named] == idle && named != mine ->
        printf("database: run %d ends connection %d\n", me + 1, named + 1);
        reached(CUT_OFF, sent[named] != nothing);
        process[named] = gone  /* running: it is looked at again */
#endif
     :: process[named] == idle && named == mine && !knows  /* running: its answer is awaited */
     :: else ->
        if
        :: index == valid ->
           reached(TAKEN_FOR_ITS_OWN, named != mine);
           never(FALSE_PROOF, index == valid);
           is_recorded = true; has_intent = false; printf("run %d: records it as done\n", me + 1)
#ifndef LEFT_AS_IT_IS
        :: index == invalid -> named = mine; instruction = drop
        :: index == none && knows && failed[mine] -> has_failed = true; has_intent = false
        :: index == none && !(knows && failed[mine]) -> named = mine; instruction = build
#else
        :: index != valid -> named = mine; instruction = build
#endif
        fi
     fi
  fi
}

proctype session(byte me)
{
  byte mine = me * ATTEMPTS, opened;
  mtype instruction;
  bool knows;

  /* The lock is free, or has expired: both at any time. */
end_without_the_lock:
  atomic { !is_over -> holder = me; printf("run %d: takes the lock\n", me + 1) };
  do
  :: atomic { process[mine] == closed -> process[mine] = idle; opened++ }
  :: atomic { process[mine] == gone && opened < ATTEMPTS -> mine++; knows = false }
  :: atomic { process[mine] == gone && opened == ATTEMPTS -> goto over }
  :: atomic { process[mine] == idle && sent[mine] == nothing &&
         !(has_intent && named == mine && !answered[mine]) ->
       knows = answered[mine] && has_intent && named == mine;
       advance();
       if
       :: instruction != nothing ->
          answered[mine] = false; knows = false
       :: else
       fi }
     if
     :: instruction != nothing ->
        if
        :: atomic { true -> sent[mine] = instruction; instruction = nothing;
             printf("run %d: sends over connection %d\n", me + 1, mine + 1) }
        :: atomic { true -> printf("run %d: is killed\n", me + 1); goto over }
        fi
     :: else
     fi
  :: atomic { true -> printf("run %d: is killed\n", me + 1); goto over }
  od;

over:
  atomic { is_dead[me] = true; instruction = nothing; knows = false }
}

/* A server process notices sooner or later that its client is gone, unless it is at work. */
active proctype notice()
{
  byte which;

end_idle:
  do
  :: atomic { is_dead[0] && process[0] == idle && sent[0] == nothing -> process[0] = gone }
  :: atomic { is_dead[0] && process[1] == idle && sent[1] == nothing -> process[1] = gone }
  :: atomic { is_dead[1] && process[ATTEMPTS] == idle && sent[ATTEMPTS] == nothing ->
       process[ATTEMPTS] = gone }
  od
}

init
{
  byte number;

  atomic {
    for (number : 0 .. CONNECTIONS - 1) { run backend(number) };
    for (number : 0 .. RUNS - 1) { run session(number) }
  }
}
