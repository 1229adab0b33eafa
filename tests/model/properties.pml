/* What protocol.pml is searched for, and within which bounds. */

/* ---- Bounds. ---- */

#ifndef RUNS
#define RUNS 2     /* how many runs there are; they may overlap in any way */
#endif
#ifndef CHANGES
#define CHANGES 2  /* how many changes a run makes at most: up, down, up, … */
#endif
#ifndef RETRIES
#define RETRIES 1  /* how often a run sends a change again that was settled as not done */
#endif

/* ---- What must never happen. With ONLY, nothing but that one is looked for. ---- */

#define APPLIED_TWICE 1   /* the migration is applied where it already is, or reverted where it is not */
#define DONE_TWICE 2      /* one operation takes effect twice */
#define HISTORY_WRONG 3   /* the history says something else than what is there */
#define FALSE_SUCCESS 4   /* a run reports as done what is not there */
#define FALSE_FAILURE 5   /* a run reports as not done what is there, or comes later */
#define OVERLAP 6         /* two runs change something under the lock at the same time */
#define OLD_GENERATION 7  /* a call commits whose run does not hold the lock */
#define OLD_SEQUENCE 8    /* a call commits that was sent for another step */

#ifdef ONLY
#define never(what, unless) assert(what != ONLY || (unless))
#else
#define never(what, unless) assert(unless)
#endif

/* ---- What must be possible, or the search shows nothing. With GOAL, it ends there. ---- */

#define SUCCESS 1             /* a run reports a change as done */
#define SQL_FAILURE 2         /* a run reports that the migration failed */
#define GIVEN_UP 3            /* a run reports a change as not done, after it was settled */
#define LOCK_LOST 4           /* a run reports that it has lost the lock */
#define TAKEOVER 5            /* a lock that has expired is taken over */
#define UNLOCKED_AT_WORK 6    /* the lock is unlocked while its run goes on */
#define RETRIED 7             /* a change that was settled as not done is done after all */
#define STRAGGLER 8           /* a copy comes after settle, and too late */
#define COMMIT_AFTER_DEATH 9  /* a change commits whose run has ended */
#define LATE_COPY 10          /* a copy comes when its run has ended and another has the lock */
#define LATE_UP 11            /* up, down, and then a copy of up comes, all under one lock */

#ifdef GOAL
#define reached(goal, when) assert(goal != GOAL || !(when))
#else
#define reached(goal, when) skip
#endif
