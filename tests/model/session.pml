/* A run's half: lib/database/session.ts. A run's token is its number. */

#define mine tenure[_pid]
#define run_number (_pid + 1)

inline send(function_)
{
  d_step {
    mine.sent[mine.requests].function = function_;
    mine.sent[mine.requests].generation = generation;
    mine.sent[mine.requests].sequence = sequence;
    mine.sent[mine.requests].operation = operation;
    mine.sent[mine.requests].action = action;
    mine.sent[mine.requests].change = change;
    mine.requests++
  };
  forget()
}

#ifdef NEW_OPERATION_ID_ON_RETRY
#define new_operation_id operation = mine.requests - 1
#else
#define new_operation_id skip
#endif

#ifdef HISTORY_IS_THE_KEY
#define is_there (effect == (action == apply))
#else
#define is_there mine.took_effect[change]
#endif

/*
 * After each request a run either gets its reply or goes on without: it has waited for too long,
 * or what came is no reply of the function's. It may end anywhere, by kill or by giving up.
 */
active [RUNS] proctype session()
{
  byte generation, sequence, operation, change, retries;
  bool plan, success;
  mtype action;

  /* readState: one snapshot. The runs are numbered as they begin, since they are all alike. */
  atomic {
    begun == _pid -> begun++;
    generation = lock.generation; sequence = lock.sequence; plan = is_applied;
    printf("run %d: sees generation %d, sequence %d, applied: %e; asks for the lock\n",
      run_number, generation, sequence, (plan -> yes : no));
    send(ACQUIRE)
  };

  /* acquireLock. Repeating it changes nothing here: the request is in the network already. */
  if
  :: atomic { true ->
       printf("run %d: ends without a reply\n", run_number);
over:
       generation = 0; sequence = 0; operation = 0; change = 0; retries = 0;
       plan = false; success = false; action = 0;
       mine.ended = true;
       forget();
       goto end_of_run }
  :: atomic { reply[_pid]?held(_, _, _) -> goto over }
  :: atomic { reply[_pid]?moved(_, _, _) -> goto over }
  :: atomic { reply[_pid]?acquired(generation, sequence, _) ->
next_change:
       if
       :: change < CHANGES ->
          if
          :: plan -> action = revert
          :: else -> action = apply
          fi
       :: true -> action = release; change = CHANGES
       fi;
       operation = change;
attempt:  /* LockSession.perform; the last one is LockSession.release */
       new_operation_id;
       printf("run %d: sends %e (operation %d, sequence %d)\n",
         run_number, action, operation + 1, sequence);
       send(PERFORM) }
  fi;

  if
  :: atomic { reply[_pid]?done(_, sequence, success) ->
is_done:
       if
       :: action == release -> goto over
       :: action != release && success ->
          printf("run %d: reports %e as done\n", run_number, action);
          never(FALSE_SUCCESS, is_there);
          reached(SUCCESS, true);
#ifdef HISTORY_IN_SECOND_CALL
          if
          :: is_applied = (action == apply)
          :: printf("run %d: is killed before it writes the history\n", run_number); goto over
          fi;
#endif
          plan = !plan; change++; success = false;
          goto next_change
       :: action != release && !success ->
          printf("run %d: reports that %e failed\n", run_number, action);
          never(FALSE_FAILURE, !mine.took_effect[change]);
          mine.excluded[change] = true;
          reached(SQL_FAILURE, true);
          change = CHANGES;
          goto next_change
       fi }
  :: atomic { reply[_pid]?lost(_, _, _) ->
is_lost_:  /* LockLostError */
       printf("run %d: reports the lock as lost and %e as not done\n", run_number, action);
       never(FALSE_FAILURE, !mine.took_effect[change]);
       mine.excluded[change] = true;
       reached(LOCK_LOST, true);
       goto over }
#if defined(NO_REPLY_IS_SUCCESS)
  :: atomic { true -> success = true; goto is_done }
#elif defined(NO_REPLY_IS_FAILURE)
  :: atomic { true -> goto given_up }
#endif
  :: atomic { true -> printf("run %d: is killed\n", run_number); goto over }
  :: atomic {
       if
       :: reply[_pid]?busy(_, _, _)
       :: reply[_pid]?stale(_, _, _)
       :: true
       fi;
       new_operation_id;
       printf("run %d: has no result; asks to settle operation %d, sequence %d\n",
         run_number, operation + 1, sequence);
       send(SETTLE) }
  fi;

  /* LockSession.#settle. Asking again changes nothing here either. */
  do
  :: atomic { reply[_pid]?done(_, sequence, success) -> goto is_done }
  :: atomic { reply[_pid]?lost(_, _, _) -> goto is_lost_ }
  :: atomic { reply[_pid]?busy(_, _, _) -> forget() }
  :: atomic { true ->
       printf("run %d: is killed, or reports the outcome as unknown\n", run_number);
       goto over }
  :: atomic { reply[_pid]?not_done(_, sequence, _) ->
       if
       :: retries < RETRIES -> retries++; goto attempt
       :: true ->
given_up:
          printf("run %d: reports %e as not done\n", run_number, action);
          never(FALSE_FAILURE, !mine.took_effect[change]);
          mine.excluded[change] = true;
          reached(GIVEN_UP, true);
          if
          :: action == release -> goto over
          :: else -> change = CHANGES; goto next_change
          fi
       fi }
  od;

end_of_run:
  false
}
