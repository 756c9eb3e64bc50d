-------------------------------- MODULE Storage --------------------------------
(***************************************************************************)
(* The whole engine, coarsely: log, memtable, flush, merge, manifest, and a  *)
(* crash at every step, inside recovery too.                                 *)
(*                                                                          *)
(* WalCommit, ManifestFlush and Compaction look closely at one part each;    *)
(* here they are put together, one step for several of theirs, to find what  *)
(* only shows in the joints.  A kill leaves what was written, synced or not; *)
(* a power cut leaves what was synced, and of the rest anything.             *)
(*                                                                          *)
(* `writes` is what happened: the commits, in order.  A crash may take the   *)
(* newest ones that nobody was told of; recovery then cuts `writes` to what  *)
(* it found, and the invariants compare.                                    *)
(*                                                                          *)
(* What is not here: snapshots, levels, several files for one thing.         *)
(*                                                                          *)
(* Source: src/storage/lsm-engine.ts, log.ts, recovery.ts, engine-jobs.ts.   *)
(***************************************************************************)
(* Environment: Kill, PowerCut *)
EXTENDS Integers, FiniteSets, Sequences, TLC

CONSTANTS
  Keys,
  WritesMax,     \* commits that stay
  StepsMax,      \* commits in all, those that crashes took included
  SegmentsMax,
  TablesMax,     \* so many tables stall writes
  CrashesMax,
  Bugs

VARIABLES writes, commits, log, segment, memtable, frozen, tables, manifest, synced, job, phase, acked, first, crashes
vars == <<writes, commits, log, segment, memtable, frozen, tables, manifest, synced, job, phase, acked, first, crashes>>

Broken(bug) == bug \in Bugs
Max(S) == CHOOSE x \in S : \A y \in S : x >= y
Min(S) == CHOOSE x \in S : \A y \in S : x <= y
None == [kind |-> "none"]
Nothing == -1

(* log        per frame: [version, segment, state]; state is "written",       *)
(*            "durable" or "bad"                                             *)
(* tables     in memory, oldest first: sets of versions, <<key, sequence,     *)
(*            value>>, value 0 for a tombstone                               *)
(* manifest   its edits; each is the whole state: tables, the first segment   *)
(*            still needed, and through which sequence tables hold everything *)
(* synced     how many of them are certain                                    *)
(* phase      "running", "down", "recovering"                                 *)
(* acked      commits that somebody was told of, or was shown                 *)
(* first      what the first of several attempts at recovery found            *)

(* Every commit makes one frame and writes one key.                           *)
LastSequence == Len(writes)
Expected(k) ==
  LET places == {i \in 1..LastSequence : writes[i].key = k} IN IF places = {} THEN 0 ELSE writes[Max(places)].value

Newest(versions) == CHOOSE v \in versions : \A w \in versions : v[2] >= w[2]
In(versions, k) == {v \in versions : v[1] = k}

RECURSIVE FindIn(_, _)
FindIn(list, k) ==
  IF list = <<>> THEN 0
  ELSE LET newest == list[Len(list)] IN
       IF In(newest, k) # {} THEN Newest(In(newest, k))[3] ELSE FindIn(SubSeq(list, 1, Len(list) - 1), k)

Read(k) == FindIn(tables \o <<frozen, memtable>>, k)

(* The state in force, as memory has it.                                      *)
InForce == manifest[synced]

--------------------------------------------------------------------------------
(* Serving.                                                                  *)
IsStalled == Len(tables) >= TablesMax

Commit(k, isDelete) ==
  /\ phase = "running" /\ ~IsStalled
  /\ LastSequence < WritesMax /\ commits < StepsMax
  /\ LET value == IF isDelete THEN 0 ELSE commits + 1
         sequence == IF Broken("sequence-from-tables") 
                     THEN 1 + Max({0} \cup {v[2] : v \in memtable \cup frozen \cup UNION {tables[i] : i \in 1..Len(tables)}})
                     ELSE LastSequence + 1
         version == <<k, sequence, value>>
     IN /\ writes' = Append(writes, [key |-> k, value |-> value])
        /\ log' = Append(log, [version |-> version, segment |-> segment, state |-> "written"])
        /\ memtable' = memtable \cup {version}
  /\ commits' = commits + 1
  /\ UNCHANGED <<segment, frozen, tables, manifest, synced, job, phase, acked, first, crashes>>

(* The sync of the current segment, and the acknowledgement.                 *)
Sync ==
  /\ phase = "running" /\ acked < LastSequence
  /\ log' = [i \in 1..Len(log) |-> IF log[i].segment = segment /\ log[i].state = "written" THEN [log[i] EXCEPT !.state = "durable"] ELSE log[i]]
  /\ acked' = LastSequence
  /\ UNCHANGED <<writes, commits, segment, memtable, frozen, tables, manifest, synced, job, phase, first, crashes>>

(* Memtable and segment are left together, when everything in it is durable.  *)
Freeze ==
  /\ phase = "running" /\ frozen = {} /\ memtable # {} /\ segment < SegmentsMax
  /\ acked = LastSequence
  /\ frozen' = memtable /\ memtable' = {}
  /\ segment' = segment + 1
  /\ UNCHANGED <<writes, commits, log, tables, manifest, synced, job, phase, acked, first, crashes>>

--------------------------------------------------------------------------------
(* Jobs: the table is written and synced, the edit written, synced, and only  *)
(* then memory changes.                                                      *)
StartFlush ==
  /\ phase = "running" /\ job = None /\ frozen # {}
  /\ job' = [kind |-> "flush", step |-> "table", tables |-> Append(tables, frozen), needed |-> segment,
             through |-> Max({v[2] : v \in frozen})]
  /\ UNCHANGED <<writes, commits, log, segment, memtable, frozen, tables, manifest, synced, phase, acked, first, crashes>>

(* A merge of neighbours; a tombstone goes only with the oldest table.        *)
StartMerge ==
  /\ phase = "running" /\ job = None /\ Len(tables) > 1
  /\ ~Broken("merges-wait-for-commits") \/ ~IsStalled
  /\ \E i \in 1..(Len(tables) - 1) :
       LET all == tables[i] \cup tables[i + 1]
           kept == {v \in all : /\ \A w \in all : w[1] = v[1] => w[2] <= v[2]
                                /\ v[3] # 0 \/ (i > 1 /\ ~Broken("tombstone-dropped-above-older"))}
           before == SubSeq(tables, 1, i - 1)
           after == SubSeq(tables, i + 2, Len(tables))
       IN job' = [kind |-> "merge", step |-> "table", tables |-> before \o <<kept>> \o after,
                   needed |-> InForce.needed, through |-> InForce.through]
  /\ UNCHANGED <<writes, commits, log, segment, memtable, frozen, tables, manifest, synced, phase, acked, first, crashes>>

SyncTable ==
  /\ job # None /\ job.step = "table"
  /\ job' = [job EXCEPT !.step = "edit"]
  /\ UNCHANGED <<writes, commits, log, segment, memtable, frozen, tables, manifest, synced, phase, acked, first, crashes>>

(* The log from a segment on.                                                *)
From(needed) == SelectSeq(log, LAMBDA frame : frame.segment >= needed)

(* Until it is synced, a crash may find it or not.                           *)
WriteEdit ==
  /\ job # None /\ job.step = "edit"
  /\ manifest' = Append(manifest, [tables |-> job.tables, needed |-> job.needed, through |-> job.through])
  /\ job' = [job EXCEPT !.step = "sync"]
  /\ log' = IF Broken("segments-removed-early") THEN From(job.needed) ELSE log
  /\ UNCHANGED <<writes, commits, segment, memtable, frozen, tables, synced, phase, acked, first, crashes>>

(* It is synced: memory changes, and segments that are no longer needed go.   *)
Install ==
  /\ job # None /\ job.step = "sync"
  /\ synced' = Len(manifest)
  /\ tables' = job.tables
  /\ frozen' = IF job.kind = "merge" THEN frozen ELSE {}
  /\ log' = From(job.needed)
  /\ phase' = "running"
  /\ segment' = IF job.kind = "recovery" /\ ~Broken("old-segment-appended") THEN job.needed ELSE segment
  /\ acked' = IF job.kind = "recovery" THEN Max({acked, LastSequence}) ELSE acked   \* whoever reads now is shown all of it
  /\ job' = None
  /\ first' = Nothing
  /\ UNCHANGED <<writes, commits, memtable, manifest, crashes>>

--------------------------------------------------------------------------------
(* Crashes.  What memory held is gone either way.                             *)
Down ==
  /\ phase # "down" /\ crashes < CrashesMax
  /\ crashes' = crashes + 1
  /\ phase' = "down" /\ job' = None
  /\ memtable' = {} /\ frozen' = {} /\ tables' = <<>>

Kill ==
  /\ Down
  /\ UNCHANGED <<writes, commits, log, segment, manifest, synced, acked, first>>

PowerCut ==
  /\ Down
  /\ \E lost \in SUBSET {i \in 1..Len(log) : log[i].state = "written"} :
       log' = [i \in 1..Len(log) |-> IF i \in lost THEN [log[i] EXCEPT !.state = "bad"]
                                     ELSE IF log[i].state = "written" THEN [log[i] EXCEPT !.state = "durable"] ELSE log[i]]
  /\ \E n \in synced..Len(manifest) : manifest' = SubSeq(manifest, 1, n) /\ synced' = n
  /\ first' = Nothing
  /\ UNCHANGED <<writes, commits, segment, acked>>

--------------------------------------------------------------------------------
(* Recovery reads the manifest, replays the needed segments up to the first   *)
(* bad frame, writes what it replayed as a table, and only serves when that   *)
(* is in the manifest: the log may be in the page cache alone.                *)
Replayable ==
  LET needed == From(manifest[Len(manifest)].needed)
      bad == {i \in 1..Len(needed) : needed[i].state = "bad"}
  IN IF bad = {} THEN needed ELSE SubSeq(needed, 1, Min(bad) - 1)

RecoverRead ==
  /\ phase = "down"
  /\ LET state == manifest[Len(manifest)]
         replayed == {Replayable[i].version : i \in 1..Len(Replayable)}
         found == Max({state.through} \cup {v[2] : v \in replayed})
         serves == Broken("served-before-persisted")
     IN /\ writes' = SubSeq(writes, 1, found)
        /\ tables' = state.tables
        /\ frozen' = IF serves THEN {} ELSE replayed
        /\ memtable' = IF serves THEN replayed ELSE {}
        /\ phase' = IF serves THEN "running" ELSE "recovering"
        /\ acked' = IF serves THEN Max({acked, found}) ELSE acked
        /\ segment' = IF serves THEN segment + 1 ELSE segment
        /\ first' = IF first = Nothing THEN found ELSE first
        /\ job' = IF serves THEN None
                  ELSE [kind |-> "recovery", step |-> "table",
                        tables |-> IF replayed = {} THEN state.tables ELSE Append(state.tables, replayed),
                        needed |-> IF Broken("old-segment-appended") THEN state.needed ELSE segment + 1,
                        through |-> found]
        /\ log' = IF Broken("segments-removed-while-recovering") THEN <<>> ELSE log
        /\ synced' = IF serves THEN Len(manifest) ELSE synced
  /\ UNCHANGED <<commits, manifest, crashes>>

--------------------------------------------------------------------------------
Init ==
  /\ writes = <<>> /\ commits = 0 /\ log = <<>> /\ segment = 1
  /\ memtable = {} /\ frozen = {} /\ tables = <<>>
  /\ manifest = <<[tables |-> <<>>, needed |-> 1, through |-> 0]>> /\ synced = 1
  /\ job = None /\ phase = "running" /\ acked = 0 /\ first = Nothing /\ crashes = 0

Next ==
  \/ \E k \in Keys, isDelete \in BOOLEAN : Commit(k, isDelete)
  \/ Sync
  \/ Freeze
  \/ StartFlush
  \/ StartMerge
  \/ SyncTable
  \/ WriteEdit
  \/ Install
  \/ Kill
  \/ PowerCut
  \/ RecoverRead

(* Background work goes on: what can be done for ever is done at last.        *)
Spec ==
  /\ Init /\ [][Next]_vars
  /\ WF_vars(StartFlush) /\ WF_vars(StartMerge) /\ WF_vars(SyncTable) /\ WF_vars(WriteEdit) /\ WF_vars(Install)

--------------------------------------------------------------------------------
(* What somebody was told of, or was shown, is there after every crash.       *)
AckedSurvives == phase # "down" => LastSequence >= acked

(* And it is the commits up to some point, each key as they left it: nothing  *)
(* missing in between, nothing come back.                                     *)
RecoveredIsPrefix == phase # "down" => \A k \in Keys : Read(k) = Expected(k)

(* A second attempt at recovery, after a kill, finds what the first one found. *)
RecoveryIdempotent == phase = "recovering" /\ first # Nothing => LastSequence = first

(* A commit's sequence is above all that were recovered or given.             *)
SequenceMonotonic ==
  [][Len(log') > Len(log) => log'[Len(log')].version[2] > LastSequence]_vars

(* Stalled writes go on.                                                      *)
StalledWritesGoOn == (phase = "running" /\ IsStalled) ~> (phase # "running" \/ ~IsStalled)
================================================================================
