---------------------------------- MODULE SSI ----------------------------------
(***************************************************************************)
(* The isolation of transactions: who must abort, and that nobody else      *)
(* does.                                                                    *)
(*                                                                          *)
(* Two variables say everything.  `history` is what really happened: who    *)
(* began when, read which versions, wrote what and was decided at which     *)
(* sequence.  It forgets nothing, and no decision looks at it beyond the     *)
(* few fields a transaction knows of itself.  `graph` is the bookkeeping of  *)
(* src/mvcc: out-edges, lows, floors, registrations, with everything         *)
(* dropped as early as the rules allow.  Decisions are made from `graph`,    *)
(* judged by `history`: the invariants at the end build the serialization   *)
(* graph (ww, wr, rw and real-time edges) from the history alone.            *)
(*                                                                          *)
(* What is not here: values and garbage collection (MVCC.tla), the log       *)
(* (WalCommit.tla; here it only publishes), and cursors as things of their   *)
(* own: a scan is one or several read steps, each of an interval, since a    *)
(* cursor registers at delivery.  A put and a delete are the same, a         *)
(* version; a range delete writes several keys in one step.                  *)
(*                                                                          *)
(* Source: src/mvcc/rules.ts, search.ts, conflict-graph.ts, graph-core.ts,   *)
(* reader-floors.ts, lone-reads.ts, safe-snapshot.ts.                        *)
(***************************************************************************)
EXTENDS Integers, FiniteSets, TLC

CONSTANTS
  Transactions,  \* names, for example {A, B, C}
  Keys,          \* numbers, so that a range is a set of neighbours
  Role,          \* per transaction: what kind it is, see below
  MayRead,       \* per transaction: the sets of keys that one step of it may read
  MayWrite,      \* per transaction: the sets of keys that one step of it may write
  Deletes,       \* transactions whose writes are deletes (only a seeded bug tells them from puts)
  Features,      \* what else may happen: "lag", "log-failure", "savepoint", "rollback", "for-update",
                 \* "for-update-only", "gate", "summaries", "summaries-in-any-order", "merging"
  Bugs           \* guards taken away, {} but for seeded bugs

(* Roles.  A "read-write" transaction that ends without writes is an        *)
(* undeclared reader.  "declared" ones are begun with `readOnly`, a "lone"   *)
(* one is a single `db.get` or `db.scan`, "deferrable" waits for a safe      *)
(* snapshot, "snapshot" has isolation: 'snapshot'.                           *)
ASSUME \A t \in Transactions : Role[t] \in {"read-write", "declared", "lone", "deferrable", "snapshot"}

Tracked    == {t \in Transactions : Role[t] = "read-write"}   \* those whose reads count
Snapshot   == {t \in Transactions : Role[t] = "snapshot"}
ReadWrite  == Tracked \cup Snapshot
Declared   == {t \in Transactions : Role[t] = "declared"}
Lone       == {t \in Transactions : Role[t] = "lone"}
Deferrable == {t \in Transactions : Role[t] = "deferrable"}
Readers    == Declared \cup Lone \cup Deferrable

VARIABLES history, graph, exact, needless, retryLost
vars == <<history, graph, exact, needless, retryLost>>

Infinity == 99                       \* above every sequence
Unread == -1                         \* in `seen`: the key was not read
Broken(bug) == bug \in Bugs
With(feature) == feature \in Features
Where(feature, S) == IF With(feature) THEN S ELSE {}

Min(S) == CHOOSE x \in S : \A y \in S : x <= y
Max(S) == CHOOSE x \in S : \A y \in S : x >= y
Lesser(a, b) == IF a < b THEN a ELSE b
Greater(a, b) == IF a > b THEN a ELSE b

--------------------------------------------------------------------------------
(* What happened.                                                            *)

NoReads == [k \in Keys |-> Unread]

EmptyHistory ==
  [status    |-> [t \in Transactions |-> "idle"],    \* idle, waiting, active, committed, done (a reader), gone (aborted)
   snapshot  |-> [t \in Transactions |-> 0],
   commit    |-> [t \in Transactions |-> 0],         \* 0: none, also for a committed one without writes
   seen      |-> [t \in Transactions |-> NoReads],   \* the version that a read showed, as its writer's sequence
   written   |-> [t \in Transactions |-> {}],
   savepoint |-> [t \in Transactions |-> <<>>],      \* <<>>, or <<the writes at the savepoint>>
   pending   |-> [t \in Transactions |-> {}],        \* whom a deferrable reader waits for
   held      |-> [t \in Transactions |-> {}],        \* keys that getForUpdate has granted; others wait for them
   gate      |-> {},                                 \* who holds the commit gate: nobody, or one
   told      |-> {},                                 \* who was acknowledged
   failed    |-> FALSE,                              \* the log: nothing is published any more
   decided   |-> 0,
   published |-> 0]

IsActive(h, t) == h.status[t] = "active"
ReadKeys(h, t) == {k \in Keys : h.seen[t][k] # Unread}
ActiveReadWrite(h) == {t \in ReadWrite : h.status[t] = "active"}

(* The version of k that a snapshot at s sees: the newest at or below s.     *)
VersionAt(h, k, s) ==
  IF s = 0 THEN 0 ELSE Max({0} \cup {h.commit[w] : w \in {x \in Transactions : k \in h.written[x] /\ h.commit[x] \in 1..s}})

Shown(h, t, S) ==
  [h EXCEPT !.seen[t] = [k \in Keys |-> IF k \in S /\ @[k] = Unread THEN VersionAt(h, k, h.snapshot[t]) ELSE @[k]]]

(* It ends as if it had never been.                                          *)
Gone(h, t) ==
  [h EXCEPT !.status[t] = "gone", !.snapshot[t] = 0, !.seen[t] = NoReads, !.written[t] = {}, !.savepoint[t] = <<>>,
            !.held[t] = {}, !.gate = @ \ {t}]

(* It commits: with writes it takes the next sequence.                       *)
Decide(h, t) ==
  LET writes == h.written[t] # {} IN
  [h EXCEPT !.status[t] = "committed",
            !.commit[t] = IF writes THEN h.decided + 1 ELSE 0,
            !.savepoint[t] = <<>>,
            !.held[t] = {},
            !.gate = @ \ {t},
            !.decided = IF writes THEN @ + 1 ELSE @,
            !.published = IF writes /\ ~With("lag") THEN h.decided + 1 ELSE @]

(* A commit is acknowledged when it is published, one without writes when     *)
(* everything that it may have read is.                                      *)
DependsOn(h, t) == IF h.commit[t] # 0 THEN h.commit[t] ELSE h.snapshot[t]
IsStanding(h, t) == h.status[t] = "committed" /\ DependsOn(h, t) <= h.published
Told(h) ==
  LET atOnce(t) == IF h.commit[t] # 0 THEN Broken("told-when-decided") ELSE Broken("reader-told-at-once")
  IN [h EXCEPT !.told = {t \in Transactions : h.status[t] = "committed" /\ (IsStanding(h, t) \/ atOnce(t))}]

--------------------------------------------------------------------------------
(* The order that any serial execution must respect, from the history alone. *)

Nodes(h) == {t \in ReadWrite : h.status[t] = "committed"} \cup {t \in Readers : h.seen[t] # NoReads}

Before(h, a, b) ==
  \/ h.commit[a] # 0 /\ h.commit[a] <= h.snapshot[b]                    \* real time
  \/ \E k \in h.written[a] :
       \/ k \in h.written[b] /\ h.commit[a] < h.commit[b]               \* ww: versions come in commit order
       \/ h.seen[b][k] = h.commit[a]                                    \* wr: b read what a wrote
  \/ \E k \in h.written[b] : h.seen[a][k] # Unread /\ h.seen[a][k] < h.commit[b]   \* rw: a read what b overwrote

(* Take away whatever nothing left comes before; if that gets stuck, there is a cycle. *)
RECURSIVE IsStuck(_, _)
IsStuck(nodes, earlier) ==
  /\ nodes # {}
  /\ LET free == {b \in nodes : earlier[b] \cap nodes = {}}
     IN free = {} \/ IsStuck(nodes \ free, earlier)

(* (TLCEval: worked out once, not at each look.)                              *)
Cyclic(h) ==
  LET nodes == TLCEval(Nodes(h))
  IN /\ Cardinality(nodes) > 1
     /\ IsStuck(nodes, TLCEval([b \in nodes |-> {a \in nodes \ {b} : Before(h, a, b)}]))

(* Would it be cyclic, had t gone on to commit what it has done in h?        *)
(* Alone it could not be.                                                    *)
WouldBeCyclic(h, t) == Nodes(h) # {} /\ (IF t \in ReadWrite THEN Cyclic(Decide(h, t)) ELSE Cyclic(h))

--------------------------------------------------------------------------------
(* The bookkeeping.                                                          *)

NoFloors == [k \in Keys |-> 0]

EmptyGraph ==
  [missed      |-> [t \in Transactions |-> {}],        \* out-edges, rw and ww, to decided transactions not forgotten
   low         |-> [t \in Transactions |-> Infinity],  \* the least commit reachable through forgotten ones
   floor       |-> [t \in Transactions |-> 0],         \* everything decided up to here comes before t
   registered  |-> [t \in Transactions |-> {}],        \* keys whose later writers t is told of
   retained    |-> {},                                 \* decided, not forgotten
   summarized  |-> {},                                 \* of these only writes, commit, low and floor are kept
   readerFloor |-> NoFloors]                           \* the greatest snapshot of a reader without writes

Dropped(g, t) ==
  [g EXCEPT !.missed[t] = {}, !.low[t] = Infinity, !.floor[t] = 0, !.registered[t] = {}]

BeginSnapshot(h, t) ==
  IF Broken("begin-at-zero") THEN 0
  ELSE IF t \in ReadWrite
       THEN IF Broken("begin-at-published") \/ (h.failed /\ ~Broken("begin-at-decided-after-failure"))
            THEN h.published ELSE h.decided
  ELSE IF Broken("readers-begin-at-decided") THEN h.decided ELSE h.published

(* x comes before every snapshot that counts as active.  The published       *)
(* sequence always does: the next reader takes it.                           *)
IsOver(h, x) ==
  /\ h.commit[x] <= h.published \/ Broken("published-not-counted")
  /\ \A t \in ReadWrite : h.status[t] = "active" => h.commit[x] <= h.snapshot[t]
  /\ \A t \in Declared : h.status[t] = "active" => h.commit[x] <= h.snapshot[t] \/ Broken("declared-snapshot-not-held")
  /\ \A t \in Deferrable : h.status[t] = "waiting" => h.commit[x] <= h.snapshot[t]

OldestReadWrite(h) == Min({Infinity} \cup {h.snapshot[t] : t \in ActiveReadWrite(h)})

(* Rule 5, in commit order: what a forgotten transaction leads to is folded  *)
(* into the low of everyone that missed it.                                  *)
Reached(h, g, x) == Lesser(h.commit[x], g.low[x])

ForgetOne(h, g, x) ==
  LET folded == [y \in Transactions |->
        IF x \in g.missed[y] /\ ~Broken("no-fold") THEN Lesser(g.low[y], Reached(h, g, x)) ELSE g.low[y]]
  IN [Dropped([g EXCEPT !.low = folded, !.missed = [y \in Transactions |-> @[y] \ {x}]], x)
        EXCEPT !.retained = @ \ {x}, !.summarized = @ \ {x}]

RECURSIVE Forget(_, _)
Forget(h, g) ==
  LET over == {x \in g.retained : IsOver(h, x)}
  IN IF over = {} THEN g
     ELSE Forget(h, ForgetOne(h, g, CHOOSE x \in over : \A y \in over : h.commit[x] <= h.commit[y]))

(* A reader's floor matters only while an older read-write transaction runs. *)
DropFloors(h, g) ==
  IF g.readerFloor = NoFloors THEN g ELSE
  LET oldest == OldestReadWrite(h)
  IN [g EXCEPT !.readerFloor = [k \in Keys |->
        IF (@[k] <= oldest /\ ~Broken("floors-never-dropped")) \/ (@[k] <= h.published /\ Broken("floors-dropped-early"))
        THEN 0 ELSE @[k]]]

Tidy(h, g) == DropFloors(h, Forget(h, g))

--------------------------------------------------------------------------------
(* The search of the exact test (search.ts).                                 *)

Least(h, g, S) == Min({Infinity} \cup {Reached(h, g, x) : x \in S})

RECURSIVE Reach(_, _, _)
Reach(h, g, S) ==
  LET least == Least(h, g, S)
      stored == UNION {g.missed[x] : x \in S}
      realTime == {x \in g.retained : g.floor[x] >= least /\ (x \notin g.summarized \/ ~Broken("summarized-floor-ignored"))}
      all == S \cup stored \cup (IF Broken("no-real-time-edges") THEN {} ELSE realTime)
  IN IF all = S THEN S ELSE Reach(h, g, all)

(* "abort" if a cycle is certain, "conservative" if a summarized transaction *)
(* may be part of one.                                                       *)
Verdict(h, g, starts, targets, bound) ==
  IF starts = {} THEN "accept" ELSE
  LET reach == Reach(h, g, starts) IN
  IF Least(h, g, reach) <= bound /\ ~Broken("bound-not-tested") THEN "abort"
  ELSE IF reach \cap targets # {} /\ ~Broken("targets-not-tested") THEN "abort"
  ELSE IF reach \cap g.summarized # {} /\ ~Broken("summaries-not-suspected") THEN "conservative"
  ELSE "accept"

(* A merged range covers keys that were not read.  `exact` is kept as if     *)
(* nothing had been merged; an abort that it would not have made is          *)
(* conservative.                                                             *)
Marked(verdict, exactVerdict) ==
  IF With("merging") /\ verdict = "abort" /\ exactVerdict # "abort" /\ ~Broken("merged-not-marked")
  THEN "conservative" ELSE verdict
Exact(g) == IF With("merging") THEN g ELSE EmptyGraph

(* Writes as the conflict index knows them: a delete of an absent key is one.*)
Indexed(h, t) ==
  IF Broken("absent-delete-unknown") /\ t \in Deletes
  THEN {k \in h.written[t] : VersionAt(h, k, IF h.commit[t] = 0 THEN h.decided ELSE h.commit[t] - 1) # 0}
  ELSE h.written[t]

Overwriters(h, g, S, snapshot) ==
  LET all == {w \in g.retained : h.commit[w] > snapshot /\ Indexed(h, w) \cap S # {}} IN
  IF Broken("newest-overwriter-only")
  THEN {w \in all : \E k \in S \cap h.written[w] : \A x \in all : k \in h.written[x] => h.commit[x] <= h.commit[w]}
  ELSE all

--------------------------------------------------------------------------------
(* An abort by the rules: judged at once against the history.  `would` is    *)
(* the history had the victim done what it was refused.  Once the log has    *)
(* failed nobody can win any more.                                           *)

RetryIsLost(h, t, reads, writes) ==
  LET begun == [h EXCEPT !.snapshot[t] = BeginSnapshot(h, t), !.seen[t] = NoReads, !.written[t] = writes]
  IN WouldBeCyclic(Shown(begun, t, reads), t)

Abort(t, would, verdict) ==
  /\ needless' = (needless \/ (verdict = "abort" /\ ~would.failed /\ ~WouldBeCyclic(would, t)))
  /\ retryLost' = (retryLost \/ (~would.failed /\ RetryIsLost(would, t, ReadKeys(would, t), would.written[t])))
  /\ history' = Gone(history, t)
  /\ graph' = Tidy(history', Dropped(graph, t))
  /\ exact' = Exact(Tidy(history', Dropped(exact, t)))

(* A step that is no abort and leaves nothing new to forget: nobody ends,    *)
(* nothing is published, no snapshot moves.                                  *)
Continue(h, g, x) ==
  /\ history' = h
  /\ graph' = g
  /\ exact' = Exact(x)
  /\ UNCHANGED <<needless, retryLost>>

(* Any other step that is no abort.                                          *)
GoOn(h, g, x) ==
  /\ history' = h
  /\ graph' = Tidy(h, g)
  /\ exact' = Exact(Tidy(h, x))
  /\ UNCHANGED <<needless, retryLost>>

--------------------------------------------------------------------------------
(* Rule 1, and read-write transactions.                                      *)

Begin(t) ==
  /\ history.status[t] = "idle"
  /\ LET snapshot == BeginSnapshot(history, t)
         h == [history EXCEPT !.status[t] = "active", !.snapshot[t] = snapshot]
     IN IF t \in ReadWrite
        THEN Continue(h, [graph EXCEPT !.floor[t] = snapshot], [exact EXCEPT !.floor[t] = snapshot])
        ELSE Continue(h, graph, exact)

(* After a few losses `transact` begins under the commit gate: until it ends, *)
(* nobody else's writes are decided.                                         *)
BeginUnderGate(t) ==
  /\ history.status[t] = "idle" /\ history.gate = {}
  /\ LET h == [history EXCEPT !.status[t] = "active", !.snapshot[t] = history.decided, !.gate = {t}]
     IN Continue(h, [graph EXCEPT !.floor[t] = history.decided], [exact EXCEPT !.floor[t] = history.decided])

IsGateFree(t) == history.gate \subseteq {t} \/ Broken("gate-not-waited-for")

(* Rule 2.  What t was shown of its own writes is no read.                   *)
RegisterRead(h, g, t, keys, over) ==
  [g EXCEPT !.registered[t] = @ \cup keys, !.missed[t] = @ \cup over]

ReadAt(h, g, x, t, S) ==
  LET own == h.written[t]
      keys == IF Broken("own-writes-registered") THEN S ELSE S \ own
      over == IF Broken("no-late-read") THEN {} ELSE Overwriters(h, g, keys, h.snapshot[t])
      overExact == Overwriters(h, x, keys, h.snapshot[t])
      shown == Shown(h, t, S \ own)
      verdict == Marked(Verdict(h, g, over \ g.missed[t], {}, h.snapshot[t]),
                        Verdict(h, x, overExact \ x.missed[t], {}, h.snapshot[t]))
  IN IF verdict = "accept"
     THEN Continue(shown, RegisterRead(h, g, t, keys, over), RegisterRead(h, x, t, keys, overExact))
     ELSE Abort(t, shown, verdict)

Read(t, S) ==
  /\ IsActive(history, t)
  /\ ~With("for-update-only")
  /\ \E k \in S : IF Broken("own-writes-registered") THEN k \notin graph.registered[t]
                  ELSE k \notin history.written[t] /\ history.seen[t][k] = Unread
  /\ ReadAt(history, graph, exact, t, S)

(* getForUpdate: waits until nobody holds the key; once granted, the         *)
(* snapshot moves to the newest decided if nothing that t has read was        *)
(* overwritten.  The key passes on when its holder is decided or ends.        *)
GetForUpdate(t, k) ==
  /\ IsActive(history, t)
  /\ k \notin history.written[t] /\ history.seen[t][k] = Unread
  /\ \A u \in Transactions \ {t} : k \notin history.held[u] \/ Broken("keys-not-held")
  /\ LET moves == graph.missed[t] = {} \/ Broken("snapshot-moves-always")
         s == IF moves THEN history.decided ELSE history.snapshot[t]
         h == [history EXCEPT !.snapshot[t] = s, !.held[t] = @ \cup {k}]
         Raised(g) == Tidy(h, [g EXCEPT !.floor[t] = Greater(@, s)])
     IN IF ~moves /\ Broken("for-update-sees-newest")
        THEN GoOn([history EXCEPT !.seen[t][k] = VersionAt(history, k, history.decided)],
                  RegisterRead(h, graph, t, {k}, {}), exact)
        ELSE ReadAt(h, Raised(graph), Raised(exact), t, {k})

MayGet(t) == {k \in Where("for-update", Keys) \cup Where("for-update-only", Keys) : {k} \in MayRead[t]}

(* Rule 3.                                                                   *)
IsOverwritten(h, g, t, k) == \E w \in g.retained : k \in Indexed(h, w) /\ h.commit[w] > h.snapshot[t]

IsCertainlyLost(h, g, t, S) ==
  IF Broken("range-delete-by-range")
  THEN ReadKeys(h, t) \cap S # {} /\ \E k \in S : IsOverwritten(h, g, t, k)
  ELSE \E k \in S \cap ReadKeys(h, t) : IsOverwritten(h, g, t, k)

Write(t, S) ==
  /\ IsActive(history, t)
  /\ ~(S \subseteq history.written[t])
  /\ With("for-update-only") => S \subseteq history.held[t]   \* plain puts would not wait
  /\ LET waits == history.savepoint[t] # <<>> /\ ~Broken("savepoint-test-at-once")
         (* With a savepoint open, the least that t may still commit is what it had written before. *)
         least == IF history.savepoint[t] # <<>> THEN history.savepoint[t][1] ELSE history.written[t] \cup S
     IN IF t \in Tracked /\ ~waits /\ IsCertainlyLost(history, graph, t, S)
        THEN Abort(t, [history EXCEPT !.written[t] = least], "abort")
        ELSE Continue([history EXCEPT !.written[t] = @ \cup S], graph, exact)

Savepoint(t) ==
  /\ IsActive(history, t) /\ history.savepoint[t] = <<>>
  /\ Continue([history EXCEPT !.savepoint[t] = <<history.written[t]>>], graph, exact)

RollbackToSavepoint(t) ==
  /\ IsActive(history, t) /\ history.savepoint[t] # <<>>
  /\ Continue([history EXCEPT !.written[t] = history.savepoint[t][1], !.savepoint[t] = <<>>], graph, exact)

ReleaseSavepoint(t) ==
  /\ IsActive(history, t) /\ history.savepoint[t] # <<>>
  /\ Continue([history EXCEPT !.savepoint[t] = <<>>], graph, exact)

Rollback(t) ==
  /\ IsActive(history, t)
  /\ GoOn(Gone(history, t), Dropped(graph, t), Dropped(exact, t))

--------------------------------------------------------------------------------
(* Rule 4.                                                                   *)

(* The floor takes up the readers without writes of what is overwritten.     *)
TakenFloor(h, g, t) ==
  IF Broken("floor-not-taken") THEN g.floor[t]
  ELSE Max({g.floor[t]} \cup {g.readerFloor[k] : k \in h.written[t]})

(* The newest decided writer of each key; older ones lead to it.             *)
NewestWriters(h, g, S) ==
  {w \in g.retained : \E k \in S \cap Indexed(h, w) :
      \A x \in g.retained : k \in Indexed(h, x) => h.commit[x] <= h.commit[w]}

ReadersOf(h, g, t) ==
  LET writes == Indexed(h, t) IN {p \in Transactions \ {t} : g.registered[p] \cap writes # {}}

Predecessors(h, g, t) ==
  {p \in g.retained : h.commit[p] > h.snapshot[t]} \cap (ReadersOf(h, g, t) \cup
     (IF Broken("no-ww-edges") THEN {} ELSE NewestWriters(h, g, Indexed(h, t))))

CommitVerdict(h, g, t) ==
  IF Broken("dangerous-structure-aborts") /\ g.missed[t] # {} /\ Predecessors(h, g, t) # {} THEN "abort"
  ELSE IF Broken("active-readers-abort") /\ g.missed[t] # {} /\ ReadersOf(h, g, t) # {} THEN "abort"
  ELSE IF Broken("optimistic-validation") /\ g.missed[t] # {} THEN "abort"
  ELSE Verdict(h, g, g.missed[t], Predecessors(h, g, t), TakenFloor(h, g, t))

(* t is decided: its in-edges are added, it is retained.                     *)
Retained(h, g, t) ==
  LET told == (ReadersOf(h, g, t) \cap ActiveReadWrite(h)) \cup (Predecessors(h, g, t) \ g.summarized)
  IN [g EXCEPT !.missed = [p \in Transactions |-> IF p \in told THEN @[p] \cup {t} ELSE @[p]],
               !.floor[t] = TakenFloor(h, g, t),
               !.retained = @ \cup {t}]

(* Active readers whose reads alone now close a cycle.                       *)
Doomed(h, g, t) ==
  LET readers == ReadersOf(h, g, t) \cap ActiveReadWrite(h)
      least == Least(h, g, Reach(h, g, g.missed[t]))
  IN {p \in readers : least <= h.snapshot[p]}

RECURSIVE GoneAll(_, _)
GoneAll(h, S) == IF S = {} THEN h ELSE LET p == CHOOSE x \in S : TRUE IN GoneAll(Gone(h, p), S \ {p})
RECURSIVE DroppedAll(_, _)
DroppedAll(g, S) == IF S = {} THEN g ELSE LET p == CHOOSE x \in S : TRUE IN DroppedAll(Dropped(g, p), S \ {p})

(* A deferrable reader hears of everyone that ends: unsafe, and it starts    *)
(* over; safe once nobody is left.                                           *)
LeavesUnsafe(h, g, x, s) == g.low[x] <= s \/ \E m \in g.missed[x] : h.commit[m] <= s

Heard(h, g) ==
  LET waiting == {d \in Deferrable : h.status[d] = "waiting"}
      ended(d) == {x \in h.pending[d] : h.status[x] # "active"}
      unsafe(d) == \E x \in ended(d) : h.commit[x] # 0 /\ LeavesUnsafe(h, g, x, h.snapshot[d])
      left(d) == h.pending[d] \ ended(d)
  IN IF waiting = {} THEN h ELSE [h EXCEPT
       !.status = [d \in Transactions |-> IF d \notin waiting THEN @[d] ELSE IF unsafe(d) THEN "idle"
                                          ELSE IF left(d) = {} THEN "active" ELSE "waiting"],
       !.snapshot = [d \in Transactions |-> IF d \in waiting /\ unsafe(d) THEN 0 ELSE @[d]],
       !.pending = [d \in Transactions |-> IF d \notin waiting \/ unsafe(d) THEN {} ELSE left(d)]]

DecideAndTell(t) ==
  LET h == Decide(history, t)
      g == Retained(history, graph, t)
      x == Retained(history, exact, t)
      doomed == Doomed(history, graph, t)
      doomedExact == Doomed(history, exact, t)
      ended == GoneAll(h, doomed)
      certain == IF With("merging") /\ ~Broken("merged-not-marked") THEN doomed \cap doomedExact ELSE doomed
      all == Heard(ended, g)
  IN /\ needless' = (needless \/ \E p \in certain : ~WouldBeCyclic(h, p))
     /\ retryLost' = (retryLost \/ \E p \in doomed : RetryIsLost(h, p, ReadKeys(h, p), h.written[p]))
     /\ history' = Told(all)
     /\ graph' = Tidy(all, DroppedAll(g, doomed))
     /\ exact' = Exact(Tidy(all, DroppedAll(x, doomed)))

Commit(t) ==
  /\ IsActive(history, t) /\ history.written[t] # {} /\ IsGateFree(t)
  /\ LET verdict == Marked(CommitVerdict(history, graph, t), CommitVerdict(history, exact, t))
     IN IF verdict = "accept" /\ ~history.failed THEN DecideAndTell(t) ELSE Abort(t, history, verdict)

(* isolation: 'snapshot': the first committer of a key wins, nothing else    *)
(* counts.                                                                   *)
CommitSnapshot(t) ==
  /\ IsActive(history, t) /\ history.written[t] # {} /\ IsGateFree(t)
  /\ IF \/ history.failed
        \/ ~Broken("first-committer-not-tested") /\ \E k \in history.written[t] : IsOverwritten(history, graph, t, k)
     THEN GoOn(Gone(history, t), Dropped(graph, t), Dropped(exact, t))
     ELSE DecideAndTell(t)

(* An undeclared transaction that wrote nothing: its reads become floors.    *)
Floored(h, g, reader, keys, over) ==
  LET needed == OldestReadWrite(h) < h.snapshot[reader]
      s == h.snapshot[reader]
  IN [g EXCEPT
       !.floor = [x \in Transactions |-> IF x \in over /\ ~Broken("floor-not-raised-late") THEN Greater(@[x], s) ELSE @[x]],
       !.readerFloor = [k \in Keys |-> IF k \in keys /\ needed THEN Greater(@[k], s) ELSE @[k]]]

CommitReader(t) ==
  /\ IsActive(history, t)
  /\ history.written[t] = {} /\ history.seen[t] # NoReads
  /\ LET verdict == Marked(Verdict(history, graph, graph.missed[t], {}, history.snapshot[t]),
                           Verdict(history, exact, exact.missed[t], {}, history.snapshot[t]))
         h == Decide(history, t)
         Left(g) == Dropped(Floored(h, g, t, g.registered[t], g.missed[t]), t)
     IN IF verdict = "accept" \/ Broken("reader-commit-not-tested")
        THEN GoOn(Told(Heard(h, graph)), Left(graph), Left(exact))
        ELSE Abort(t, history, verdict)

(* The log is durable through a sequence: everything up to it is             *)
(* acknowledged in the same step.                                            *)
Publish ==
  /\ history.published < history.decided /\ ~history.failed
  /\ \E s \in (history.published + 1)..history.decided :
       GoOn(Told([history EXCEPT !.published = s]), graph, exact)

(* Or the log fails: what is decided and not published never will be, and    *)
(* whoever may have read it has read nothing.                                *)
LogFails ==
  /\ With("log-failure") /\ ~history.failed
  /\ LET above == {t \in Transactions : IsActive(history, t) /\ history.snapshot[t] > history.published}
         victims == IF Broken("failure-spares-the-active") THEN {} ELSE above
     IN GoOn(GoneAll([history EXCEPT !.failed = TRUE], victims), DroppedAll(graph, victims), DroppedAll(exact, victims))

--------------------------------------------------------------------------------
(* Readers without writes: floors, no nodes.                                 *)

(* What a reader leaves behind if it reads S at its snapshot; "accept" or    *)
(* not.                                                                      *)
ReaderVerdict(h, g, t, S) == Verdict(h, g, Overwriters(h, g, S, h.snapshot[t]), {}, h.snapshot[t])
ReaderFloored(h, g, t, S) ==
  IF (Broken("declared-reads-untracked") /\ t \in Declared) \/ (Broken("lone-reads-untracked") /\ t \in Lone)
  THEN g
  ELSE Floored(h, g, t, S, Overwriters(h, g, S, h.snapshot[t]))

ReadDeclared(t, S) ==
  /\ IsActive(history, t)
  /\ \E k \in S : history.seen[t][k] = Unread
  /\ LET verdict == Marked(ReaderVerdict(history, graph, t, S), ReaderVerdict(history, exact, t, S))
         shown == Shown(history, t, S)
     IN IF verdict = "accept" \/ Broken("declared-reads-not-tested")
        THEN GoOn(shown, ReaderFloored(history, graph, t, S), ReaderFloored(history, exact, t, S))
        ELSE /\ needless' = (needless \/ (verdict = "abort" /\ ~Cyclic(shown)))
             /\ history' = [history EXCEPT !.status[t] = "done"]    \* what it was shown before goes on counting
             /\ graph' = Tidy(history', graph)
             /\ exact' = Exact(Tidy(history', exact))
             /\ UNCHANGED retryLost

EndDeclared(t) ==
  /\ IsActive(history, t)
  /\ GoOn([history EXCEPT !.status[t] = "done"], graph, exact)

(* A lone read registers and tests in one step; if the test fails it waits   *)
(* for the next publish, so the step is not possible now.                    *)
LoneBegun(h, t) == [h EXCEPT !.status[t] = "done", !.snapshot[t] = BeginSnapshot(h, t)]

ReadLone(t, S) ==
  /\ history.status[t] = "idle"
  /\ LET h == LoneBegun(history, t)
     IN /\ ReaderVerdict(h, graph, t, S) = "accept" \/ Broken("lone-reads-not-tested")
        /\ GoOn(Shown(h, t, S), ReaderFloored(h, graph, t, S), ReaderFloored(h, exact, t, S))

(* A deferrable reader waits until nobody that was active or unpublished can *)
(* make its snapshot unsafe; then nothing it reads is tracked.               *)
BeginDeferrable(t) ==
  /\ history.status[t] = "idle"
  /\ LET s == history.published
         pending == {x \in ActiveReadWrite(history) : history.snapshot[x] < s}
         unpublished == {x \in graph.retained : history.commit[x] > s}
     IN /\ \A x \in unpublished : ~LeavesUnsafe(history, graph, x, s) \/ Broken("deferrable-ignores-unpublished")
        /\ LET now == IF pending = {} \/ Broken("deferrable-waits-for-nobody") THEN "active" ELSE "waiting"
           IN GoOn([history EXCEPT !.status[t] = now, !.snapshot[t] = s,
                                   !.pending[t] = IF now = "active" THEN {} ELSE pending], graph, exact)

ReadSafe(t, S) ==
  /\ IsActive(history, t)
  /\ \E k \in S : history.seen[t][k] = Unread
  /\ Continue(Shown(history, t, S), graph, exact)

--------------------------------------------------------------------------------
(* Bounded memory: at any time, so that every moment is tried.  The source   *)
(* summarizes the oldest first; then whoever is decided before a summarized  *)
(* one is summarized too, and the floors of the summarized decide nothing.   *)
(* That they make the order of no account is tried with                      *)
(* "summaries-in-any-order".                                                 *)

Summarize ==
  /\ With("summaries") \/ With("summaries-in-any-order")
  /\ \E x \in graph.retained \ graph.summarized :
       LET low == Min({graph.low[x]} \cup {Reached(history, graph, m) : m \in graph.missed[x]})
           isOldest == \A y \in graph.retained \ graph.summarized : history.commit[x] <= history.commit[y]
       IN /\ isOldest \/ With("summaries-in-any-order")
          /\ GoOn(history, [graph EXCEPT !.low[x] = low, !.missed[x] = {}, !.registered[x] = {},
                                         !.summarized = @ \cup {x}], exact)

(* Neighbouring reads become one range, keys between them included.          *)
MergeReads(t) ==
  /\ IsActive(history, t) /\ Cardinality(graph.registered[t]) > 1
  /\ LET keys == graph.registered[t]
         hull == {k \in Keys : k >= Min(keys) /\ k <= Max(keys)}
     IN /\ hull # keys
        /\ Continue(history, [graph EXCEPT !.registered[t] = hull], exact)

--------------------------------------------------------------------------------
Init ==
  /\ history = EmptyHistory
  /\ graph = EmptyGraph
  /\ exact = EmptyGraph
  /\ needless = FALSE
  /\ retryLost = FALSE

Next ==
  \/ Publish
  \/ LogFails
  \/ Summarize
  \/ \E t \in ReadWrite :
       \/ Begin(t)
       \/ \E S \in MayWrite[t] : Write(t, S)
  \/ \E t \in Tracked :
       \/ \E S \in MayRead[t] : Read(t, S)
       \/ \E k \in MayGet(t) : GetForUpdate(t, k)
       \/ Commit(t)
       \/ CommitReader(t)
  \/ \E t \in Where("savepoint", ReadWrite) :
       \/ Savepoint(t)
       \/ RollbackToSavepoint(t)
       \/ ReleaseSavepoint(t)
  \/ \E t \in Where("rollback", ReadWrite) : Rollback(t)
  \/ \E t \in Where("gate", Tracked) : BeginUnderGate(t)
  \/ \E t \in Where("merging", Tracked) : MergeReads(t)
  \/ \E t \in Snapshot : CommitSnapshot(t)
  \/ \E t \in Declared :
       \/ Begin(t)
       \/ \E S \in MayRead[t] : ReadDeclared(t, S)
       \/ EndDeclared(t)
  \/ \E t \in Lone : \E S \in MayRead[t] : ReadLone(t, S)
  \/ \E t \in Deferrable :
       \/ BeginDeferrable(t)
       \/ \E S \in MayRead[t] : ReadSafe(t, S)

Spec == Init /\ [][Next]_vars

--------------------------------------------------------------------------------
(* What must hold.                                                           *)

(* The committed ones, and the readers that were shown data, have a strict   *)
(* serial order.                                                             *)
Serializable == ~Cyclic(history)

(* Nobody aborted who could have committed.                                  *)
Permissive == ~needless

(* Every victim, retried at once with the same operations, could commit.     *)
VictimRetryWins == ~retryLost

(* Each read showed the version that belongs to the reader's snapshot.       *)
RightVersions ==
  \A t \in Transactions : IsActive(history, t) \/ t \in Nodes(history) =>
    \A k \in ReadKeys(history, t) : history.seen[t][k] = VersionAt(history, k, history.snapshot[t])

(* At any moment the bookkeeping, with all that was dropped from it, answers *)
(* as the whole history does: for each active transaction if it committed    *)
(* now, for each read that a reader without writes could make now.           *)
Agrees(verdict, cyclic) ==
  /\ cyclic => verdict # "accept"
  /\ verdict = "abort" => cyclic

ForgettingLosesNothing ==
  With("merging") \/
    /\ \A t \in Tracked : IsActive(history, t) =>
         LET verdict == IF history.written[t] # {} THEN CommitVerdict(history, graph, t)
                        ELSE Verdict(history, graph, graph.missed[t], {}, history.snapshot[t])
         IN Agrees(verdict, WouldBeCyclic(history, t))
    /\ \A t \in Declared : IsActive(history, t) =>
         \A S \in MayRead[t] : Agrees(ReaderVerdict(history, graph, t, S), Cyclic(Shown(history, t, S)))
    /\ \A t \in Lone : history.status[t] = "idle" =>
         \A S \in MayRead[t] :
           LET h == LoneBegun(history, t) IN Agrees(ReaderVerdict(h, graph, t, S), Cyclic(Shown(h, t, S)))

(* Of two concurrent writers of a key, one of them under 'snapshot', only    *)
(* the first commits.                                                        *)
FirstCommitterWins ==
  \A t \in Snapshot, w \in Transactions :
    ~(/\ history.commit[t] # 0 /\ t # w
      /\ history.written[t] \cap history.written[w] # {}
      /\ history.commit[w] < history.commit[t] /\ history.commit[w] > history.snapshot[t])

(* What is shown as a result can no longer be taken back by a crash.         *)
ReadersSeeOnlyPublished ==
  \A t \in Readers : history.snapshot[t] <= history.published

(* Whoever is acknowledged stands after any crash, and so does all it read;  *)
(* and whoever stands is acknowledged.                                       *)
AcknowledgedStands ==
  \A t \in Transactions : history.status[t] = "committed" => (t \in history.told <=> IsStanding(history, t))

(* Once the log has failed, nobody is shown what it may not hold.            *)
AfterFailureOnlyPublished ==
  history.failed => \A t \in Transactions : IsActive(history, t) => history.snapshot[t] <= history.published

(* Where every writer of a key queues for it, nobody aborts.                 *)
QueuedUpdatesNeverAbort == With("for-update-only") => \A t \in Transactions : history.status[t] # "gone"

(* Whoever began under the gate is not aborted.                              *)
GateHolderWins == [][\A t \in history.gate : history'.status[t] # "gone"]_vars

(* When nothing runs and everything is published, nothing is kept.           *)
NothingKeptAtRest ==
  (ActiveReadWrite(history) = {} /\ history.published = history.decided
     /\ \A t \in Transactions : history.status[t] \notin {"active", "waiting"})
  => graph.retained = {} /\ \A t \in Transactions : graph.missed[t] = {} /\ graph.registered[t] = {}
     /\ graph.readerFloor = NoFloors

(* Whoever begins sees everything that was acknowledged before.              *)
BeginsAboveAcknowledged ==
  [][\/ history'.status = history.status
     \/ \A t \in Transactions :
          (history.status[t] = "idle" /\ history'.status[t] # "idle") => history'.snapshot[t] >= history.published]_vars
================================================================================
