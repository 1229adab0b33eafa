/*
 * The protocol of sql/lock.sql and lib/database/session.ts, for spin: one migration, runs that
 * apply and revert it, an operator who unlocks, and a network that loses, repeats and delays
 * whatever it likes. As it stands it is the protocol that is shipped; each macro that #if asks
 * for makes it a variant. README.md says what stands for what, and check.ts runs it.
 */

#include "properties.pml"
#include "lock.pml"
#include "session.pml"

/* ---- The network, and the API's connections to the database. ---- */

/* Calls arrive at the second one only while the first has one in flight: they are alike. */
active [2] proctype exec_sql()
{
  byte token, number;

end_idle:
  do
  :: atomic {
       begun > 0 && (connection == 0 || at_work[0] != nobody) ->
       do
       :: token + 1 < begun -> token++
       :: break
       od;
       do
       :: number + 1 < tenure[token].requests -> number++
       :: break
       od;
       if
       :: call.function == ACQUIRE -> acquire()
       :: call.function == PERFORM -> perform()
       :: call.function == SETTLE -> settle()
       fi;
respond:
       /* Only the last request is waited for. A run that is slow to read is one slow to go on. */
       if
       :: number + 1 == tenure[token].requests && !tenure[token].ended -> receiver = token
       :: receiver = nobody
       fi;
       token = 0; number = 0;
       reply[receiver]!its_status(its_generation, its_sequence, its_success)
     }
  od;

/* With the row taken, other calls come in between. Then it commits, or its connection breaks. */
run_migration:
  atomic {
    if
    :: true ->
       printf("database: %e of run %d is undone: the connection broke\n",
         call.action, token + 1);
       at_work[connection] = nobody;
       row_taken = false;
       token = 0; number = 0;
       goto end_idle
    :: !unique_violation -> its_success = true
    :: !unique_violation && call.action != release -> its_success = false
    fi;
    commit();
    at_work[connection] = nobody;
    row_taken = false;
    goto respond
  }
}

/* Replies that nobody waits for, and those that are lost. */
active proctype lost_replies()
{
end_idle:
  do
  :: atomic { reply[nobody]?_(_, _, _) -> forget() }
  od
}

/* Unlocks as often as there is a lock, with any generation that was ever seen. */
active proctype operator()
{
  byte seen;

end_idle:
  do
  :: atomic { lock.is_locked && !row_taken ->
       do
       :: seen < lock.generation -> seen++
       :: break
       od;
       unlock(seen);
       seen = 0
     }
  od
}

#ifdef REINSTALLED
/* uninstall and install: history, ledger and lock begin anew, the migration's effect stays. */
#ifdef GENERATION_FROM_0
#define FIRST_GENERATION 0
#else
#define FIRST_GENERATION 100 /* above all earlier ones: sql/schema.sql takes it from the clock */
#endif
active proctype reinstall()
{
  byte i, j;

  atomic { !row_taken ->
    printf("operator: uninstalls and installs\n");
    lock.is_locked = false; lock.generation = FIRST_GENERATION; lock.sequence = 0;
    is_applied = false;
    for (i : 0 .. RUNS - 1) {
      for (j : 0 .. OPERATION_IDS - 1) { tenure[i].operation[j].recorded = false }
    };
    i = 0; j = 0
  };
end_of_reinstall:
  false
}
#endif
