------------------------------- MODULE Compaction ------------------------------
(***************************************************************************)
(* The versions of all keys on their way down: memtable, frozen memtable,    *)
(* runs of tables in levels, one run in the last; what a merge may drop, and *)
(* that nobody sees that it did.                                             *)
(*                                                                          *)
(* `writes` is what happened: every version ever written, in order.  The     *)
(* invariants compare what a read finds, newest source first, with it.       *)
(*                                                                          *)
(* A table is [level, age, versions]; of two tables of a level that overlap   *)
(* the one of greater age is the newer.  A merge is planned from the tables  *)
(* and snapshots of one moment and installed at a later one; meanwhile       *)
(* writes, flushes and snapshots go on.  What the picker prefers is left     *)
(* open: every plan that its rules allow is tried.                           *)
(*                                                                          *)
(* What is not here: range tombstones, files (ManifestFlush.tla), crashes.   *)
(*                                                                          *)
(* Source: src/storage/memtable/memtables.ts, compaction-picker.ts, runs.ts,          *)
(* compaction-retention.ts, compaction-merge.ts, table-set.ts.               *)
(***************************************************************************)
EXTENDS Integers, FiniteSets, Sequences, TLC

CONSTANTS
  Keys,          \* 1..n
  WritesMax,
  LastLevel,     \* levels are 0..LastLevel
  SnapshotsMax,  \* snapshots and cursors that may be taken
  Bugs

VARIABLES writes, memtable, frozen, tables, published, snapshots, cursor, plan, taken
vars == <<writes, memtable, frozen, tables, published, snapshots, cursor, plan, taken>>

Broken(bug) == bug \in Bugs
Max(S) == CHOOSE x \in S : \A y \in S : x >= y
Min(S) == CHOOSE x \in S : \A y \in S : x <= y

None == [kind |-> "none"]
Decided == Len(writes)

(* A version is <<key, sequence, value>>; its value is 0 for a tombstone,     *)
(* else its sequence.                                                        *)
KeyOf(v) == v[1]
SequenceOf(v) == v[2]
ValueOf(v) == v[3]

--------------------------------------------------------------------------------
(* What a read has to find, from what was written.                           *)
Expected(k, s) ==
  LET places == {i \in 1..Decided : i <= s /\ writes[i].key = k}
  IN IF places = {} THEN 0 ELSE writes[Max(places)].value

(* What it finds: the first source that has a version of the key at or below *)
(* s gives the answer, newest source first.                                  *)
Visible(versions, k, s) == {v \in versions : KeyOf(v) = k /\ SequenceOf(v) <= s}
Newest(versions) == CHOOSE v \in versions : \A w \in versions : SequenceOf(v) >= SequenceOf(w)

IsAbove(a, b) == a.level < b.level \/ (a.level = b.level /\ a.age > b.age)

Find(mem, froz, set, k, s) ==
  LET having == {t \in set : Visible(t.versions, k, s) # {}}
      first == CHOOSE t \in having : \A u \in having : ~IsAbove(u, t)
  IN IF Visible(mem, k, s) # {} THEN ValueOf(Newest(Visible(mem, k, s)))
     ELSE IF Visible(froz, k, s) # {} THEN ValueOf(Newest(Visible(froz, k, s)))
     ELSE IF having = {} THEN 0
     ELSE ValueOf(Newest(Visible(first.versions, k, s)))

Read(k, s) == Find(memtable, frozen, tables, k, s)

--------------------------------------------------------------------------------
(* Geometry (runs.ts).                                                       *)
KeysOf(t) == {KeyOf(v) : v \in t.versions}
Covers(t, k) == Min(KeysOf(t)) <= k /\ k <= Max(KeysOf(t))
Overlap(t, u) == \E k \in Keys : Covers(t, k) /\ Covers(u, k)
AtLevel(level) == {t \in tables : t.level = level}

(* Tables of a level of which none overlaps one outside.                     *)
IsCluster(S, level) ==
  /\ S # {}
  /\ Broken("cluster-not-closed") \/ \A t \in S, u \in AtLevel(level) \ S : ~Overlap(t, u)

AgeAbove(level) == 1 + Max({0} \cup {t.age : t \in AtLevel(level)})

--------------------------------------------------------------------------------
Write(k, isDelete) ==
  /\ Decided < WritesMax
  /\ LET value == IF isDelete THEN 0 ELSE Decided + 1 IN
     /\ writes' = Append(writes, [key |-> k, value |-> value])
     /\ memtable' = memtable \cup {<<k, Decided + 1, value>>}
  /\ UNCHANGED <<frozen, tables, published, snapshots, cursor, plan, taken>>

Publish ==
  /\ published < Decided
  /\ \E s \in (published + 1)..Decided : published' = s
  /\ UNCHANGED <<writes, memtable, frozen, tables, snapshots, cursor, plan, taken>>

TakeSnapshot ==
  /\ taken < SnapshotsMax /\ taken' = taken + 1
  /\ \E s \in {published, Decided} : snapshots' = snapshots \cup {s}
  /\ UNCHANGED <<writes, memtable, frozen, tables, published, cursor, plan>>

ReleaseSnapshot ==
  /\ \E s \in snapshots : snapshots' = snapshots \ {s}
  /\ UNCHANGED <<writes, memtable, frozen, tables, published, cursor, plan, taken>>

(* A cursor of a lone read holds no snapshot: it pins the tables it began    *)
(* with.                                                                     *)
OpenCursor ==
  /\ cursor = None /\ taken < SnapshotsMax /\ taken' = taken + 1
  /\ cursor' = [kind |-> "cursor", at |-> published, memtable |-> memtable, frozen |-> frozen, tables |-> tables]
  /\ UNCHANGED <<writes, memtable, frozen, tables, published, snapshots, plan>>

CloseCursor ==
  /\ cursor # None
  /\ cursor' = None
  /\ UNCHANGED <<writes, memtable, frozen, tables, published, snapshots, plan, taken>>

(* Swapped first, drained after.                                             *)
Freeze ==
  /\ frozen = {} /\ memtable # {}
  /\ frozen' = memtable /\ memtable' = {}
  /\ UNCHANGED <<writes, tables, published, snapshots, cursor, plan, taken>>

Flush ==
  /\ frozen # {}
  /\ LET age == IF Broken("flush-below") THEN Min({0} \cup {t.age : t \in AtLevel(0)}) - 1 ELSE AgeAbove(0)
     IN tables' = tables \cup {[level |-> 0, age |-> age, versions |-> frozen]}
  /\ frozen' = {}
  /\ UNCHANGED <<writes, memtable, published, snapshots, cursor, plan, taken>>

--------------------------------------------------------------------------------
(* A plan: whole clusters of a level; if they go to the last level, also all  *)
(* tables there that overlap them.  `older` is everything that may hold       *)
(* versions older than the inputs'.  Retention is of this moment.             *)
Retained ==
  snapshots \cup (IF Broken("published-not-retained") THEN {Decided} ELSE {published})

Plan ==
  /\ plan = None
  /\ \E level \in 0..(LastLevel - 1) : \E upper \in SUBSET AtLevel(level) :
       /\ IsCluster(upper, level)
       /\ LET lower == IF level + 1 # LastLevel \/ Broken("last-level-left-out") THEN {}
                       ELSE {t \in AtLevel(LastLevel) : \E u \in upper : Overlap(t, u)}
              inputs == upper \cup lower
          IN plan' = [kind |-> "plan", inputs |-> inputs, outputLevel |-> level + 1,
                      older |-> {t \in tables \ inputs : t.level > level},
                      retained |-> Retained, published |-> published]
  /\ UNCHANGED <<writes, memtable, frozen, tables, published, snapshots, cursor, taken>>

(* A version is needed if a retained sequence lies between it and what        *)
(* replaces it, or if it is above the published one.                          *)
IsNeeded(v, versions) ==
  LET newer == {w \in versions : KeyOf(w) = KeyOf(v) /\ SequenceOf(w) > SequenceOf(v)}
      replacedAt == IF newer = {} THEN Decided + 1 ELSE Min({SequenceOf(w) : w \in newer})
      sequences == IF Broken("newest-snapshot-only") THEN {Max(plan.retained)} ELSE plan.retained
  IN \/ newer = {}
     \/ \E s \in sequences : SequenceOf(v) <= s /\ s < replacedAt
     \/ SequenceOf(v) > plan.published /\ ~Broken("published-not-retained")

(* A tombstone goes if it is at or below the oldest retained sequence and     *)
(* nothing older of its key can remain anywhere.                              *)
IsDroppable(v) ==
  /\ ValueOf(v) = 0
  /\ SequenceOf(v) <= Min(plan.retained) \/ Broken("tombstone-dropped-early")
  /\ Broken("tombstone-dropped-above-older") \/ \A t \in plan.older : ~Covers(t, KeyOf(v))

Merged ==
  LET all == UNION {t.versions : t \in plan.inputs}
  IN {v \in all : IsNeeded(v, all) /\ ~IsDroppable(v)}

(* Its outputs, cut anywhere between two keys, become the newest of their     *)
(* level.                                                                     *)
Install ==
  /\ plan # None
  /\ \E cut \in Keys :
       LET pieces == {{v \in Merged : KeyOf(v) <= cut}, {v \in Merged : KeyOf(v) > cut}} \ {{}}
           age == IF Broken("output-age-not-above") THEN 1 ELSE AgeAbove(plan.outputLevel)
           outputs == {[level |-> plan.outputLevel, age |-> age, versions |-> piece] : piece \in pieces}
           left == IF Broken("install-forgets-flushes") THEN tables \ (plan.inputs \cup AtLevel(0)) ELSE tables \ plan.inputs
       IN tables' = left \cup outputs
  /\ cursor' = IF cursor # None /\ Broken("cursor-not-pinned") THEN [cursor EXCEPT !.tables = tables', !.frozen = frozen] ELSE cursor
  /\ plan' = None
  /\ UNCHANGED <<writes, memtable, frozen, published, snapshots, taken>>

(* Tables that overlap nothing only change their level.                       *)
Move ==
  /\ plan # None
  /\ \A t, u \in plan.inputs : t # u => ~Overlap(t, u)
  /\ LET age == AgeAbove(plan.outputLevel)
     IN tables' = (tables \ plan.inputs) \cup {[t EXCEPT !.level = plan.outputLevel, !.age = age] : t \in plan.inputs}
  /\ plan' = None
  /\ UNCHANGED <<writes, memtable, frozen, published, snapshots, cursor, taken>>

--------------------------------------------------------------------------------
Init ==
  /\ writes = <<>> /\ memtable = {} /\ frozen = {} /\ tables = {}
  /\ published = 0 /\ snapshots = {} /\ cursor = None /\ plan = None /\ taken = 0

Next ==
  \/ \E k \in Keys, isDelete \in BOOLEAN : Write(k, isDelete)
  \/ Publish
  \/ TakeSnapshot
  \/ ReleaseSnapshot
  \/ OpenCursor
  \/ CloseCursor
  \/ Freeze
  \/ Flush
  \/ Plan
  \/ Install
  \/ Move

Spec == Init /\ [][Next]_vars

--------------------------------------------------------------------------------
(* Whoever begins now finds what was written.                                 *)
CompactionTransparent == \A k \in Keys, s \in published..Decided : Read(k, s) = Expected(k, s)

(* A deleted key stays deleted.                                               *)
NoResurrection ==
  \A k \in Keys, s \in snapshots \cup published..Decided : Expected(k, s) = 0 => Read(k, s) = 0

(* Live snapshots, and cursors with what they pinned, go on finding what they *)
(* found.                                                                     *)
SnapshotStable ==
  /\ \A k \in Keys, s \in snapshots : Read(k, s) = Expected(k, s)
  /\ cursor # None => \A k \in Keys :
       Find(cursor.memtable, cursor.frozen, cursor.tables, k, cursor.at) = Expected(k, cursor.at)

(* Tables of one run do not overlap; the last level is one run.               *)
LevelsDisjoint ==
  \A t, u \in tables :
    t # u /\ t.level = u.level /\ (t.age = u.age \/ t.level = LastLevel) => ~Overlap(t, u)

(* Of one key, everything in a newer place is newer than in an older one.     *)
NewerThan(above, below) ==
  \A v \in above, w \in below : KeyOf(v) = KeyOf(w) => SequenceOf(v) > SequenceOf(w)

NewerAbove ==
  /\ NewerThan(memtable, frozen)
  /\ \A t \in tables : NewerThan(memtable \cup frozen, t.versions)
  /\ \A t, u \in tables : IsAbove(t, u) => NewerThan(t.versions, u.versions)
================================================================================
