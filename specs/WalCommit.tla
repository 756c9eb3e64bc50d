------------------------------- MODULE WalCommit -------------------------------
(***************************************************************************)
(* The write-ahead log: group commit, what is acknowledged when, and what    *)
(* recovery makes of whatever a crash left.                                  *)
(*                                                                          *)
(* The log is a row of frames, each a group of commits or empty, in segment  *)
(* files.  A write puts a frame into the page cache; a sync makes durable    *)
(* what was written to the file it is called on, and to no other.  A crash   *)
(* keeps every durable frame and of the others any, in any combination; the  *)
(* rest is bad (torn, or not there).  Besides, the medium may damage a       *)
(* durable frame.                                                            *)
(*                                                                          *)
(* What is not here: bytes, checksums and room (a frame is intact or not,    *)
(* and its reader can tell).                                                 *)
(*                                                                          *)
(* Source: src/storage/log/log.ts, log-writer.ts, log-reader.ts, recovery.ts,    *)
(* src/mvcc/acknowledgements.ts.                                             *)
(***************************************************************************)
(* Environment: PowerCut, Damage, SyncFails *)
EXTENDS Integers, FiniteSets, Sequences, TLC

CONSTANTS
  CommitsMax,
  SegmentsMax,
  EmptyMax,      \* frames without commits
  Bugs

VARIABLES kinds, filling, frames, flight, segment, durable, published, poisoned, phase, damaged, bad, recovered
vars == <<kinds, filling, frames, flight, segment, durable, published, poisoned, phase, damaged, bad, recovered>>

Broken(bug) == bug \in Bugs
Max(S) == CHOOSE x \in S : \A y \in S : x >= y
None == 0

(* kinds       per decided commit, in order: "sync" or "os"                  *)
(* filling     the first commit of the group that fills; past the end: none  *)
(* frames      [first, last, sync, segment, promise]; last < first: empty    *)
(* flight      the frame being written or synced; 0: none                    *)
(* durable     the frames that a power cut cannot take                       *)
(* published   the newest commit that was acknowledged                       *)
Decided == Len(kinds)
IsRunning == phase = "running" /\ ~poisoned

(* All frames up to here are durable, as the writer knows: its promise.      *)
DurablePrefix == Max({0} \cup {n \in 1..Len(frames) : 1..n \subseteq durable})
LastIn(n) == Max({0} \cup {frames[i].last : i \in 1..n})

--------------------------------------------------------------------------------
(* A commit is decided and joins the group that fills.                       *)
Decide(kind) ==
  /\ IsRunning /\ Decided < CommitsMax
  /\ kinds' = Append(kinds, kind)
  /\ UNCHANGED <<filling, frames, flight, segment, durable, published, poisoned, phase, damaged, bad, recovered>>

Frame(first, last, sync) ==
  [first |-> first, last |-> last, sync |-> sync, segment |-> segment,
   promise |-> IF Broken("promise-what-is-written") THEN Len(frames) ELSE DurablePrefix]

(* One write in flight; the next group fills meanwhile.                      *)
WriteGroup ==
  /\ IsRunning /\ flight = None /\ filling <= Decided
  /\ LET sync == \E i \in filling..Decided : kinds[i] = "sync"
         frame == Frame(filling, Decided, sync)
     IN /\ frames' = Append(frames, frame)
        /\ flight' = IF sync THEN Len(frames) + 1 ELSE None
        (* A group of 'os' commits is published when it is written. *)
        /\ published' = IF ~sync \/ Broken("acknowledge-before-sync") THEN Decided ELSE published
  /\ filling' = Decided + 1
  /\ UNCHANGED <<kinds, segment, durable, poisoned, phase, damaged, bad, recovered>>

(* The sync of the group in flight: its segment's file, nothing else.        *)
Synced ==
  /\ phase = "running" /\ flight # None
  /\ ~poisoned \/ Broken("sync-retried")
  /\ durable' = IF poisoned THEN durable     \* the pages were thrown away: a second sync has nothing to write
                ELSE durable \cup {i \in 1..flight : frames[i].segment = segment}
  /\ published' = Max({published, frames[flight].last})
  /\ flight' = None
  /\ UNCHANGED <<kinds, filling, frames, segment, poisoned, phase, damaged, bad, recovered>>

(* Nothing is written, retried or published after it.                        *)
SyncFails ==
  /\ IsRunning /\ flight # None
  /\ poisoned' = TRUE
  /\ UNCHANGED <<kinds, filling, frames, flight, segment, durable, published, phase, damaged, bad, recovered>>

(* When the log falls idle, an empty frame is written behind the last group, *)
(* not synced: its promise is the witness of that group.                     *)
Witness ==
  /\ IsRunning /\ flight = None /\ filling > Decided /\ frames # <<>>
  /\ Cardinality({i \in 1..Len(frames) : frames[i].last < frames[i].first}) < EmptyMax
  /\ frames' = Append(frames, Frame(1, 0, FALSE))
  /\ UNCHANGED <<kinds, filling, flight, segment, durable, published, poisoned, phase, damaged, bad, recovered>>

(* A sync of everything written so far: behind 'os' groups, and before a     *)
(* segment is left.                                                          *)
SyncAll ==
  /\ IsRunning /\ flight = None
  /\ \E i \in 1..Len(frames) : frames[i].segment = segment /\ i \notin durable
  /\ durable' = durable \cup {i \in 1..Len(frames) : frames[i].segment = segment}
  /\ UNCHANGED <<kinds, filling, frames, flight, segment, published, poisoned, phase, damaged, bad, recovered>>

(* A segment is left only when everything in it is durable.                  *)
SwitchSegment ==
  /\ IsRunning /\ flight = None /\ segment < SegmentsMax
  /\ \E i \in 1..Len(frames) : frames[i].segment = segment
  /\ 1..Len(frames) \subseteq durable \/ Broken("segment-left-early")
  /\ segment' = segment + 1
  /\ UNCHANGED <<kinds, filling, frames, flight, durable, published, poisoned, phase, damaged, bad, recovered>>

PowerCut ==
  /\ phase = "running"
  /\ \E lost \in SUBSET (1..Len(frames) \ durable) : bad' = lost
  /\ phase' = "down"
  /\ UNCHANGED <<kinds, filling, frames, flight, segment, durable, published, poisoned, damaged, recovered>>

Damage ==
  /\ phase = "down" /\ damaged = None
  /\ \E i \in durable : damaged' = i /\ bad' = bad \cup {i}
  /\ UNCHANGED <<kinds, filling, frames, flight, segment, durable, published, poisoned, phase, recovered>>

(* Frames count up to the first bad one.  If an intact frame behind promises *)
(* that the log was durable past that place, acknowledged data are damaged:  *)
(* it refuses to open.  If none does, it is a torn tail.                     *)
GoodPrefix == Max({n \in 0..Len(frames) : 1..n \cap bad = {}})
IsWitnessed == \E i \in (GoodPrefix + 1)..Len(frames) : i \notin bad /\ frames[i].promise > GoodPrefix

Recover ==
  /\ phase = "down"
  /\ phase' = "recovered"
  /\ LET counted == IF Broken("bad-frames-skipped") THEN 1..Len(frames) \ bad ELSE 1..GoodPrefix
         refuses == IsWitnessed /\ ~Broken("tail-not-probed")
     IN recovered' = [refused |-> refuses,
                      commits |-> IF refuses THEN {} ELSE UNION {frames[i].first..frames[i].last : i \in counted}]
  /\ UNCHANGED <<kinds, filling, frames, flight, segment, durable, published, poisoned, damaged, bad>>

--------------------------------------------------------------------------------
Init ==
  /\ kinds = <<>> /\ filling = 1 /\ frames = <<>> /\ flight = None /\ segment = 1
  /\ durable = {} /\ published = 0 /\ poisoned = FALSE /\ phase = "running"
  /\ damaged = None /\ bad = {} /\ recovered = [refused |-> FALSE, commits |-> {}]

Next ==
  \/ Decide("sync") \/ Decide("os")
  \/ WriteGroup
  \/ Synced
  \/ SyncFails
  \/ Witness
  \/ SyncAll
  \/ SwitchSegment
  \/ PowerCut
  \/ Damage
  \/ Recover

Spec == Init /\ [][Next]_vars

--------------------------------------------------------------------------------
(* What was promised to survive a power cut: the 'sync' commits that were    *)
(* acknowledged, and whatever lies before them.                              *)
Promised == Max({0} \cup {i \in 1..published : kinds[i] = "sync"})

AckedSurvives ==
  phase = "recovered" /\ damaged = None /\ ~recovered.refused => 1..Promised \subseteq recovered.commits

RecoveredIsPrefix ==
  phase = "recovered" => \E n \in 0..Decided : recovered.commits = 1..n

(* Damage of acknowledged data is refused wherever an intact frame witnesses *)
(* it; what is no damage is never refused.                                   *)
CorruptionIsNotATornTail ==
  phase = "recovered" =>
    /\ damaged = None => ~recovered.refused
    /\ damaged # None /\ (\E i \in 1..Len(frames) : i > damaged /\ i \notin bad /\ frames[i].promise >= damaged)
         => recovered.refused

NoAckAfterFsyncError == [][poisoned => published' = published]_vars
================================================================================
