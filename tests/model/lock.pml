/*
 * The database's half: sql/lock.sql, on the tables of sql/schema.sql. In the functions token and
 * number say which call it is, and connection over which of two it came.
 */

/* ---- The tables, and what is sent to exec_sql. ---- */

mtype = { ACQUIRE, PERFORM, SETTLE };                         /* functions */
mtype = { apply, revert, release };                           /* actions of perform */
mtype = { acquired, held, moved, done, stale, lost, not_done, busy };  /* statuses */
mtype = { ok, failed };                                       /* results in migration_log */
mtype = { no, yes };

typedef MigrationLock { bool is_locked; byte token; byte generation; byte sequence };
MigrationLock migration_lock;
#define lock migration_lock
bool row_taken;   /* a transaction that goes on has the lock's row FOR UPDATE */
bool is_applied;  /* migration_history: applied_checksum is not null */
byte effect;      /* how many times what the migration makes is there */

#define OPERATIONS (CHANGES + 1)  /* of a run: its changes, and the release */
#define REQUESTS (1 + 2 * (OPERATIONS + RETRIES))  /* acquire; perform and settle for each */
#ifdef NEW_OPERATION_ID_ON_RETRY
#define OPERATION_IDS REQUESTS
#else
#define OPERATION_IDS OPERATIONS
#endif

typedef Operation { bool recorded; bool success; byte sequence };  /* the ledger */

/* What is sent to exec_sql. The token is not in it: it is the number of the run that sent it. */
typedef Call {
  mtype function; byte generation; byte sequence; byte operation; mtype action;
  byte change  /* which of the run's changes it is; nothing but the properties looks at it */
};

/*
 * The network never forgets: what a run has sent stays in sent[], and each of it may arrive at any
 * time, any number of times or never: during the run, after its end, after later runs.
 */
typedef Tenure {
  Call sent[REQUESTS]; byte requests;
  Operation operation[OPERATION_IDS];
  bool ended;
  bool took_effect[OPERATIONS];  /* for the properties: what has been done, … */
  bool excluded[OPERATIONS]      /* … and what was reported as not done, for good */
};
Tenure tenure[RUNS];
byte begun;

#define nobody RUNS
byte at_work[2] = nobody;  /* for the properties: whose change is in flight, by connection */

/* A reply: status, generation, sequence, and whether the migration succeeded. */
chan reply[RUNS + 1] = [0] of { mtype, byte, byte, bool };
mtype its_status; byte its_generation, its_sequence, receiver; bool its_success;

inline answer(status, generation_, sequence_, success_)
{
  d_step {
    its_status = status; its_generation = generation_;
    its_sequence = sequence_; its_success = success_
  }
}

inline forget()
{
  d_step { its_status = 0; its_generation = 0; its_sequence = 0; its_success = false; receiver = 0 }
}

/* ---- The functions. ---- */

#define connection (_pid - RUNS)
#define call tenure[token].sent[number]
#define known tenure[token].operation[call.operation]

/* For the reader of a trail: whether the run waits for this one, has gone on, or has ended. */
mtype = { awaited, late, orphaned };
#define which_copy \
  (tenure[token].ended -> orphaned : (number + 1 == tenure[token].requests -> awaited : late))

#ifdef GENERATION_NOT_RAISED
#define next_generation lock.generation
#else
#define next_generation lock.generation + 1
#endif

/* acquire. Whether expires_at has passed is nowhere kept: both cases are searched. */
inline acquire()
{
  if
  :: row_taken -> answer(held, 0, 0, false)  /* a migration in flight: held, expired or not */
  :: !row_taken && lock.is_locked && lock.token == token ->
     answer(acquired, lock.generation, lock.sequence, false)
  :: !row_taken && lock.is_locked && lock.token != token ->  /* not expired */
     answer(held, 0, 0, false)
  :: !row_taken && (!lock.is_locked || lock.token != token) ->  /* free, or expired */
     if
#ifndef ACQUIRE_COMPARES_NOTHING
     :: lock.generation != call.generation || lock.sequence != call.sequence ->
        answer(moved, 0, 0, false)
#endif
     :: else ->
        never(OVERLAP, at_work[0] == nobody && at_work[1] == nobody);
        reached(TAKEOVER, lock.is_locked);
        lock.is_locked = true;
        lock.token = token;
        lock.generation = next_generation;
        lock.sequence = 0;
        answer(acquired, lock.generation, 0, false)
     fi
  fi;
  printf("database: acquire of run %d (%e copy; seen: generation %d, sequence %d): %e\n",
    token + 1, which_copy, call.generation, call.sequence, its_status)
}

#if defined(HISTORY_KEY_ONLY) || defined(KEY_AND_TOKEN)
#define HISTORY_IS_THE_KEY  /* in place of the ledger */
#define is_known (call.action != release && is_applied == (call.action == apply))
#define known_success true
#define known_sequence lock.sequence
#else
#define is_known known.recorded
#define known_success known.success
#define known_sequence known.sequence
#endif

#if defined(NO_LOCK_CHECK) || defined(HISTORY_KEY_ONLY)
#define is_lost false
#else
#define is_lost (!lock.is_locked || lock.token != token || lock.generation != call.generation)
#endif

/*
 * take_lock_row and reply_early. A call that waits for the row is one that has not arrived yet;
 * one that has waited for too long is told busy. An early reply ends its transaction, so that the
 * row is seen to be taken by those alone that go on.
 */
inline reply_early()
{
  if
  :: row_taken -> answer(busy, 0, 0, false)
  :: !row_taken && is_known -> answer(done, 0, known_sequence, known_success)
  :: !row_taken && !is_known && is_lost -> answer(lost, 0, 0, false)
  :: else
  fi
}

#if defined(NO_LOCK_CHECK) || defined(HISTORY_KEY_ONLY) || defined(KEY_AND_TOKEN) || \
  defined(NO_SEQUENCE_CHECK)
#define is_stale false
#else
#define is_stale (lock.sequence != call.sequence)
#endif

/* perform, up to the action. That takes its time: see run_migration in protocol.pml. */
inline perform()
{
  reached(LATE_COPY, tenure[token].ended && lock.is_locked && lock.token != token);
  reached(LATE_UP, call.action == apply && lock.is_locked && lock.token == token &&
    tenure[token].took_effect[call.change] && tenure[token].took_effect[call.change + 1]);
  reply_early();
  if
  :: its_status != 0
  :: its_status == 0 && is_stale -> answer(stale, 0, 0, false); reached(STRAGGLER, true)
  :: else ->
#ifndef NO_FOR_UPDATE
     row_taken = true;
#endif
     at_work[connection] = token;
     never(OVERLAP, at_work[1 - connection] == nobody || at_work[1 - connection] == token);
     printf("database: %e of run %d (%e copy; operation %d, sequence %d) begins\n",
       call.action, token + 1, which_copy, call.operation + 1, call.sequence);
     goto run_migration
  fi;
  printf("database: %e of run %d (%e copy; operation %d, sequence %d): %e\n",
    call.action, token + 1, which_copy, call.operation + 1, call.sequence, its_status)
}

#ifdef NO_FOR_UPDATE
#define unique_violation known.recorded  /* of the ledger's primary key */
#else
#define unique_violation false
#endif

/*
 * What perform commits, all at once: the operation with its reply; the effect and what
 * record_applied or record_reverted write; the lock.
 */
inline commit()
{
  printf("database: %e of run %d commits: %e\n",
    call.action, token + 1, (its_success -> ok : failed));
  never(OLD_GENERATION,
    lock.is_locked && lock.token == token && lock.generation == call.generation);
  never(OLD_SEQUENCE, lock.sequence == call.sequence);
#ifndef HISTORY_IS_THE_KEY
  known.recorded = true;
  known.success = its_success;
  known.sequence = lock.sequence + 1;
#endif
  if
  :: call.action == release ->
     lock.is_locked = false; lock.generation = next_generation; lock.sequence = 0
  :: call.action != release && !its_success -> lock.sequence++
  :: call.action != release && its_success ->
     never(APPLIED_TWICE, effect == (call.action == revert));
     never(DONE_TWICE, !tenure[token].took_effect[call.change]);
     never(FALSE_FAILURE, !tenure[token].excluded[call.change]);
     reached(COMMIT_AFTER_DEATH, tenure[token].ended);
     reached(RETRIED, call.sequence > call.change);
     effect = (call.action == apply -> effect + 1 : effect - 1);
#ifndef HISTORY_IN_SECOND_CALL
     is_applied = (call.action == apply);
#endif
     never(HISTORY_WRONG, is_applied == (effect == 1));
     tenure[token].took_effect[call.change] = true;
     lock.sequence++
  fi;
  answer(done, 0, lock.sequence, its_success)
}

/* settle: with the row, as all of them, so that an attempt in flight is over by then. */
inline settle()
{
  reply_early();
  if
  :: its_status != 0
  :: else ->
#ifndef SETTLE_RAISES_NOTHING
     if
     :: lock.sequence == call.sequence -> lock.sequence++
     :: else
     fi;
#endif
     answer(not_done, 0, lock.sequence, false)
  fi;
  printf("database: settle of run %d (%e copy; operation %d, sequence %d): %e\n",
    token + 1, which_copy, call.operation + 1, call.sequence, its_status)
}

/* unlock, with the generation that the operator saw. */
inline unlock(seen)
{
  if
  :: lock.generation != seen  /* moved */
  :: else ->
     printf("database: unlock of generation %d: unlocked\n", seen);
     reached(UNLOCKED_AT_WORK, !tenure[lock.token].ended);
     lock.is_locked = false;
     lock.generation = next_generation;
     lock.sequence = 0
  fi
}
