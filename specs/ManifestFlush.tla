----------------------------- MODULE ManifestFlush -----------------------------
(***************************************************************************)
(* Which files a store consists of, and that a crash at any moment leaves    *)
(* one: memtable -> table -> edit -> removal, and the switch from one        *)
(* manifest to the next.                                                     *)
(*                                                                          *)
(* The disk is what a crash may leave of it.  A file's content is certain    *)
(* once it is synced; its name in the directory, that it was removed, and    *)
(* where CURRENT points, once the directory is synced.  Until then each of    *)
(* them may be so or not, in any combination; of a manifest's edits any       *)
(* number behind the synced ones may be there.  The invariants look at every  *)
(* combination, in every state; a crash then takes one of them and goes on.   *)
(*                                                                          *)
(* Batch i of data is in segment i of the log until table i holds it; a      *)
(* compaction makes one table of two.  That the data of a named segment      *)
(* survive is WalCommit.tla; what is in a table, Compaction.tla.             *)
(*                                                                          *)
(* Source: src/storage/compaction/flush-job.ts, compaction-job.ts, table-output.ts,     *)
(* manifest.ts, manifest-current.ts, manifest-reader.ts, recovery.ts,        *)
(* table-set.ts, store-directory.ts.                                         *)
(***************************************************************************)
(* Environment: Crash *)
EXTENDS Integers, FiniteSets, Sequences, TLC

CONSTANTS
  BatchesMax,     \* batches of data, a segment each
  TablesMax,      \* numbers of tables that may be used
  ManifestsMax,   \* numbers of manifests that may be used
  CrashesMax,
  Bugs

VARIABLES batches, holds, content, entry, edits, current, inForce, job, pinned, crashes
vars == <<batches, holds, content, entry, edits, current, inForce, job, pinned, crashes>>

Broken(bug) == bug \in Bugs
Max(S) == CHOOSE x \in S : \A y \in S : x >= y
Min(S) == CHOOSE x \in S : \A y \in S : x <= y

(* batches   batches whose data are acknowledged: 1..batches                  *)
(* holds     per table number: the batches it is to hold                      *)
(* content   per table: "none", "written", "synced"                           *)
(* entry     per file, <<kind, number>>: "absent", "present" (certain),       *)
(*           "added", "removed" (uncertain)                                   *)
(* edits     per manifest: [list, synced]; the first edit is a whole state    *)
(* current   the manifests that CURRENT may name after a crash: <<certain>>,  *)
(*           or <<old, new>> between the rename and the directory's sync      *)
(* inForce   the state in memory: [tables, needed, manifest], needed is the   *)
(*           first segment still needed                                       *)
(* job       what is under way, one at a time                                 *)
(* pinned    tables that a reader holds                                       *)
Tables == 1..TablesMax
Segments == 1..BatchesMax
Manifests == 1..ManifestsMax
Files == ({"table"} \X Tables) \cup ({"segment"} \X Segments) \cup ({"manifest"} \X Manifests)

Idle == [kind |-> "idle"]
State(tables, needed) == [tables |-> tables, needed |-> needed]
Apply(state, edit) == State((state.tables \ edit.removes) \cup edit.adds, Max({state.needed, edit.needed}))

RECURSIVE Fold(_, _)
Fold(list, n) == IF n = 1 THEN list[1] ELSE Apply(Fold(list, n - 1), list[n])

--------------------------------------------------------------------------------
(* What a crash may leave.                                                   *)

CertainlyThere(file) == entry[file] = "present"
MayBeThere(file) == entry[file] # "absent"

PossibleCurrents == {current[i] : i \in 1..Len(current)}
PossibleStates ==
  UNION {{Fold(edits[m].list, n) : n \in edits[m].synced..Len(edits[m].list)} :
         m \in {x \in PossibleCurrents : edits[x].synced > 0}}

--------------------------------------------------------------------------------
(* The directory.                                                            *)
Add(names, files) == [f \in Files |-> IF f \in files THEN "added" ELSE names[f]]
Remove(names, files) == [f \in Files |-> IF f \in files THEN IF names[f] = "absent" THEN "absent" ELSE "removed" ELSE names[f]]
SyncedEntries(names) ==
  [f \in Files |-> CASE names[f] = "added" -> "present" [] names[f] = "removed" -> "absent" [] OTHER -> names[f]]

(* A commit: its segment's name was made certain before (log-supply.ts).     *)
NextBatch ==
  /\ batches < BatchesMax
  /\ batches' = batches + 1
  /\ entry' = [entry EXCEPT ![<<"segment", batches + 1>>] = IF Broken("segment-name-not-synced") THEN "added" ELSE "present"]
  /\ UNCHANGED <<holds, content, edits, current, inForce, job, pinned, crashes>>

FreeTables == {n \in Tables : content[n] = "none" /\ entry[<<"table", n>>] = "absent" /\ holds[n] = {}}

Starts(kind, number, ofBatches, adds, removes, needed) ==
  /\ holds' = [holds EXCEPT ![number] = ofBatches]
  /\ content' = [content EXCEPT ![number] = "written"]
  /\ entry' = Add(entry, {<<"table", number>>})
  /\ job' = [kind |-> kind, step |-> "written", table |-> number, adds |-> adds, removes |-> removes, needed |-> needed]

(* The oldest memtable that is not in a table becomes one.                   *)
Flush ==
  /\ job = Idle /\ inForce.needed <= batches /\ FreeTables # {}
  /\ LET number == Min(FreeTables)
     IN Starts("flush", number, {inForce.needed}, {number}, {}, inForce.needed + 1)
  /\ UNCHANGED <<batches, edits, current, inForce, pinned, crashes>>

Compact ==
  /\ job = Idle /\ Cardinality(inForce.tables) > 1 /\ FreeTables # {}
  /\ LET number == Min(FreeTables)
     IN Starts("compaction", number, UNION {holds[n] : n \in inForce.tables}, {number}, inForce.tables, inForce.needed)
  /\ UNCHANGED <<batches, edits, current, inForce, pinned, crashes>>

(* The table is synced, then the directory.                                  *)
SyncTable ==
  /\ job # Idle /\ job.kind # "switch" /\ job.step = "written"
  /\ content' = IF Broken("table-not-synced") THEN content ELSE [content EXCEPT ![job.table] = "synced"]
  /\ job' = [job EXCEPT !.step = "synced"]
  /\ UNCHANGED <<batches, holds, entry, edits, current, inForce, pinned, crashes>>

SyncDirectory ==
  /\ job # Idle /\ job.kind # "switch" /\ job.step = "synced"
  /\ entry' = IF Broken("table-name-not-synced") THEN entry ELSE SyncedEntries(entry)
  /\ job' = [job EXCEPT !.step = "named"]
  /\ UNCHANGED <<batches, holds, content, edits, current, inForce, pinned, crashes>>

(* The edit is written; from now on a crash may find it.                     *)
WriteEdit ==
  /\ job # Idle /\ job.kind # "switch"
  /\ job.step = "named" \/ (Broken("edit-before-table") /\ job.step = "written")
  /\ edits' = [edits EXCEPT ![inForce.manifest].list =
       Append(@, [adds |-> job.adds, removes |-> job.removes, needed |-> job.needed])]
  /\ job' = [job EXCEPT !.step = IF Broken("memory-before-edit-synced") THEN "durable" ELSE "edited"]
  /\ UNCHANGED <<batches, holds, content, entry, current, inForce, pinned, crashes>>

SyncManifest ==
  /\ job # Idle /\ job.kind # "switch" /\ job.step = "edited"
  /\ edits' = [edits EXCEPT ![inForce.manifest].synced = Len(edits[inForce.manifest].list)]
  /\ job' = [job EXCEPT !.step = "durable"]
  /\ UNCHANGED <<batches, holds, content, entry, current, inForce, pinned, crashes>>

(* Then memory changes.                                                      *)
Install ==
  /\ job # Idle /\ job.kind # "switch" /\ job.step = "durable"
  /\ LET state == Apply(inForce, job)
     IN inForce' = [tables |-> state.tables, needed |-> state.needed, manifest |-> inForce.manifest]
  /\ job' = Idle
  /\ UNCHANGED <<batches, holds, content, entry, edits, current, pinned, crashes>>

(* And then what nobody needs is removed: segments before the first needed,  *)
(* tables that no reader holds.                                              *)
IsGarbage(file) ==
  /\ entry[file] \in {"present", "added"}
  /\ CASE file[1] = "segment" ->
            (file[2] < inForce.needed \/ (Broken("segment-removed-early") /\ job # Idle /\ job.kind = "flush" /\ file[2] < job.needed))
       [] file[1] = "table" ->
            /\ \/ file[2] \notin inForce.tables
               \/ (Broken("inputs-removed-early") /\ job # Idle /\ job.kind = "compaction" /\ file[2] \in job.removes)
            /\ file[2] \notin pinned \/ Broken("pinned-removed")
            /\ job = Idle \/ job.kind = "switch" \/ file[2] # job.table
       [] file[1] = "manifest" ->
            /\ file[2] # inForce.manifest
            /\ \/ job = Idle
               \/ job.kind # "switch"
               \/ (Broken("old-manifest-removed-early") /\ file[2] # job.manifest)

RemoveFile(file) ==
  /\ IsGarbage(file) = TRUE   \* as a value: TLC would take each of its disjuncts for a step of its own
  /\ entry' = Remove(entry, {file})
  /\ UNCHANGED <<batches, holds, content, edits, current, inForce, job, pinned, crashes>>

Pin(n) ==
  /\ n \in inForce.tables /\ n \notin pinned
  /\ pinned' = pinned \cup {n}
  /\ UNCHANGED <<batches, holds, content, entry, edits, current, inForce, job, crashes>>

Unpin(n) ==
  /\ n \in pinned
  /\ pinned' = pinned \ {n}
  /\ UNCHANGED <<batches, holds, content, entry, edits, current, inForce, job, crashes>>

--------------------------------------------------------------------------------
(* A new manifest: whole state written, synced, directory synced, CURRENT    *)
(* renamed, directory synced.                                                *)
BeginManifest ==
  /\ job = Idle
  /\ \E m \in Manifests : edits[m].list = <<>>
  /\ LET m == Min({x \in Manifests : edits[x].list = <<>>})
     IN /\ edits' = [edits EXCEPT ![m] = [list |-> <<State(inForce.tables, inForce.needed)>>,
                                          synced |-> IF Broken("manifest-not-synced") THEN 0 ELSE 1]]
        /\ entry' = Add(entry, {<<"manifest", m>>})
        /\ job' = [kind |-> "switch", step |-> "synced", manifest |-> m]
  /\ UNCHANGED <<batches, holds, content, current, inForce, pinned, crashes>>

NameManifest ==
  /\ job # Idle /\ job.kind = "switch" /\ job.step = "synced"
  /\ entry' = IF Broken("manifest-name-not-synced") THEN entry ELSE SyncedEntries(entry)
  /\ job' = [job EXCEPT !.step = "named"]
  /\ UNCHANGED <<batches, holds, content, edits, current, inForce, pinned, crashes>>

RenameCurrent ==
  /\ job # Idle /\ job.kind = "switch" /\ job.step = "named"
  /\ current' = <<current[1], job.manifest>>
  /\ job' = [job EXCEPT !.step = "renamed"]
  /\ inForce' = IF Broken("old-manifest-removed-early") THEN [inForce EXCEPT !.manifest = job.manifest] ELSE inForce
  /\ UNCHANGED <<batches, holds, content, entry, edits, pinned, crashes>>

SyncCurrent ==
  /\ job # Idle /\ job.kind = "switch" /\ job.step = "renamed"
  /\ current' = <<job.manifest>>
  /\ entry' = SyncedEntries(entry)
  /\ inForce' = [inForce EXCEPT !.manifest = job.manifest]
  /\ job' = Idle
  /\ UNCHANGED <<batches, holds, content, edits, pinned, crashes>>

--------------------------------------------------------------------------------
(* A crash leaves one of the possible disks; recovery reads it, and removes   *)
(* what it does not refer to.  (The replayed log becomes tables by Flush.)    *)
Crash ==
  /\ crashes < CrashesMax
  /\ crashes' = crashes + 1
  /\ \E m \in {x \in PossibleCurrents : edits[x].synced > 0} :
     \E n \in edits[m].synced..Len(edits[m].list) :
     \E kept \in SUBSET {f \in Files : entry[f] \in {"added", "removed"}} :
       LET state == Fold(edits[m].list, n)
           there == kept \cup {f \in Files : entry[f] = "present"}
           wanted(f) == CASE f[1] = "table" -> f[2] \in state.tables
                          [] f[1] = "segment" -> f[2] >= state.needed
                          [] f[1] = "manifest" -> f[2] = m
       IN /\ entry' = [f \in Files |-> IF f \notin there THEN "absent" ELSE IF wanted(f) THEN "present" ELSE "removed"]
          /\ content' = [x \in Tables |-> IF x \in state.tables THEN content[x] ELSE "none"]
          /\ holds' = [x \in Tables |-> IF x \in state.tables THEN holds[x] ELSE {}]
          /\ edits' = [edits EXCEPT ![m] = [list |-> SubSeq(edits[m].list, 1, n), synced |-> n]]
          /\ current' = <<m>>
          /\ inForce' = [tables |-> state.tables, needed |-> state.needed, manifest |-> m]
  /\ job' = Idle
  /\ pinned' = {}
  /\ UNCHANGED batches

Init ==
  /\ batches = 0
  /\ holds = [n \in Tables |-> {}]
  /\ content = [n \in Tables |-> "none"]
  /\ entry = [f \in Files |-> IF f = <<"manifest", 1>> THEN "present" ELSE "absent"]
  /\ edits = [m \in Manifests |-> IF m = 1 THEN [list |-> <<State({}, 1)>>, synced |-> 1] ELSE [list |-> <<>>, synced |-> 0]]
  /\ current = <<1>>
  /\ inForce = [tables |-> {}, needed |-> 1, manifest |-> 1]
  /\ job = Idle
  /\ pinned = {}
  /\ crashes = 0

Next ==
  \/ NextBatch
  \/ Flush
  \/ Compact
  \/ SyncTable
  \/ SyncDirectory
  \/ WriteEdit
  \/ SyncManifest
  \/ Install
  \/ \E file \in Files : RemoveFile(file)
  \/ \E n \in Tables : Pin(n) \/ Unpin(n)
  \/ BeginManifest
  \/ NameManifest
  \/ RenameCurrent
  \/ SyncCurrent
  \/ Crash

Spec == Init /\ [][Next]_vars

--------------------------------------------------------------------------------
(* Whatever a crash leaves, CURRENT names a manifest that is there and       *)
(* whole, and it refers to tables that are there and whole.                  *)
ManifestRefsExist ==
  /\ \A m \in PossibleCurrents : CertainlyThere(<<"manifest", m>>) /\ edits[m].synced > 0
  /\ \A state \in PossibleStates : \A n \in state.tables : CertainlyThere(<<"table", n>>) /\ content[n] = "synced"

(* Acknowledged data are in a table that a crash's manifest refers to, or in *)
(* a segment that is still needed and there.                                 *)
WalNeededKept ==
  \A state \in PossibleStates : \A i \in 1..batches :
    \/ \E n \in state.tables : i \in holds[n]
    \/ i >= state.needed /\ CertainlyThere(<<"segment", i>>)

(* What memory refers to, or a reader holds, is not removed.                 *)
NoLiveFileDeleted ==
  /\ \A n \in inForce.tables \cup pinned : entry[<<"table", n>>] \in {"present", "added"}
  /\ \A i \in 1..batches : i >= inForce.needed => entry[<<"segment", i>>] \in {"present", "added"}
  /\ entry[<<"manifest", inForce.manifest>>] \in {"present", "added"}
================================================================================
