---------------------------------- MODULE MVCC ---------------------------------
(***************************************************************************)
(* Many versions of each key: what a read returns, and what may be thrown   *)
(* away.                                                                    *)
(*                                                                          *)
(* `commits` and `operations` are what happened: every commit in order with *)
(* all it wrote, and every write of every transaction.  Nothing is ever     *)
(* taken out of them.  `store` and `buffer` are what the source keeps: the   *)
(* versions of each key, thinned out by compaction, and a transaction's own  *)
(* writes.  `answer` is the newest answer given; the invariants say what it  *)
(* had to be, from what happened alone.                                     *)
(*                                                                          *)
(* Whether a transaction may commit is no matter here (SSI.tla): all may.    *)
(*                                                                          *)
(* Source: src/mvcc/read-write-transaction.ts, transaction-cursor.ts,        *)
(* write-buffer.ts, snapshots.ts, acknowledgements.ts, src/storage.          *)
(***************************************************************************)
EXTENDS Integers, FiniteSets, Sequences, TLC

CONSTANTS
  Transactions,
  Keys,           \* 1..n
  Values,         \* what may be put, numbers above 0
  OperationsMax,  \* writes of one transaction
  Bugs

VARIABLES commits, operations, transaction, store, buffer, decided, published, cursor, answer
vars == <<commits, operations, transaction, store, buffer, decided, published, cursor, answer>>

Broken(bug) == bug \in Bugs
Absent == 0                               \* the value of a tombstone, and of a key without versions
Nothing == [kind |-> "none"]
Closed == [open |-> FALSE]

Max(S) == CHOOSE x \in S : \A y \in S : x >= y
Min(S) == CHOOSE x \in S : \A y \in S : x <= y

--------------------------------------------------------------------------------
(* What had to be answered, from what happened.                              *)

WritesKey(operation, k) == k \in operation.keys

(* The newest of the first n writes of t to k: <<>> if there is none.        *)
OwnWrite(t, k, n) ==
  LET places == {i \in 1..n : WritesKey(operations[t][i], k)}
  IN IF places = {} THEN <<>> ELSE <<operations[t][Max(places)].value>>

(* The value of k for a snapshot at s.                                       *)
ValueAt(k, s) ==
  LET places == {i \in 1..Len(commits) : i <= s /\ k \in DOMAIN commits[i]}
  IN IF places = {} THEN Absent ELSE commits[Max(places)][k]

(* What t has to see of k, counting its first n writes.                      *)
Expected(t, k, n) ==
  LET own == OwnWrite(t, k, n) IN IF own # <<>> THEN own[1] ELSE ValueAt(k, transaction[t].snapshot)

--------------------------------------------------------------------------------
(* What the source keeps.                                                    *)

(* The newest version at or below s: <<sequence, value>>; 0 and Absent.      *)
StoredAt(k, s) ==
  LET visible == {v \in store[k] : v[1] <= s}
  IN IF visible = {} THEN <<0, Absent>>
     ELSE CHOOSE v \in visible : \A w \in visible : v[1] >= w[1]

(* The newest entry of a transaction's buffer for k with an ordinal up to n. *)
Buffered(t, k, n) ==
  LET entries == {e \in buffer[t][k] : e[1] <= n}
  IN IF entries = {} THEN <<>> ELSE CHOOSE e \in entries : \A f \in entries : e[1] >= f[1]

Lookup(t, k, n) ==
  LET own == Buffered(t, k, n)
  IN IF own # <<>> /\ ~Broken("own-writes-not-shown") THEN own[2]
     ELSE StoredAt(k, transaction[t].snapshot)[2]

IsActive(t) == transaction[t].status = "active"
ActiveSnapshots == {transaction[t].snapshot : t \in {x \in Transactions : IsActive(x)}}

--------------------------------------------------------------------------------
Begin(t) ==
  /\ transaction[t].status = "idle"
  /\ transaction' = [transaction EXCEPT ![t].status = "active", ![t].snapshot = decided]
  /\ UNCHANGED <<commits, operations, store, buffer, decided, published, cursor, answer>>

Read(t, k) ==
  /\ IsActive(t)
  /\ answer' = [kind |-> "read", by |-> t, key |-> k, value |-> Lookup(t, k, Len(operations[t]))]
  /\ UNCHANGED <<commits, operations, transaction, store, buffer, decided, published, cursor>>

(* A put, a delete (the value Absent), a range delete (several keys).        *)
Write(t, keys, value) ==
  /\ IsActive(t) /\ Len(operations[t]) < OperationsMax
  /\ LET ordinal == Len(operations[t]) + 1
     IN /\ operations' = [operations EXCEPT ![t] = Append(@, [keys |-> keys, value |-> value])]
        /\ buffer' = [buffer EXCEPT ![t] = [k \in Keys |->
             IF k \notin keys THEN @[k]
             ELSE IF Broken("range-delete-spares-own-puts") /\ Cardinality(keys) > 1 /\ @[k] # {} THEN @[k]
             ELSE @[k] \cup {<<ordinal, value>>}]]
  /\ answer' = Nothing
  /\ UNCHANGED <<commits, transaction, store, decided, published, cursor>>

(* A cursor shows the writes made before its start, and goes on while others *)
(* commit and compaction runs.                                               *)
OpenCursor(t) ==
  /\ IsActive(t) /\ cursor[t] = Closed
  /\ cursor' = [cursor EXCEPT ![t] = [open |-> TRUE, from |-> 1, asOf |-> Len(operations[t])]]
  /\ UNCHANGED <<commits, operations, transaction, store, buffer, decided, published, answer>>

NextRow(t) ==
  LET c == cursor[t]
      n == IF Broken("cursor-shows-later-writes") THEN Len(operations[t]) ELSE c.asOf
      found == {k \in Keys : k >= c.from /\ (Lookup(t, k, n) # Absent \/ (Broken("cursor-shows-tombstones") /\ store[k] # {}))}
  IN IF found = {} THEN [key |-> 0, value |-> Absent] ELSE [key |-> Min(found), value |-> Lookup(t, Min(found), n)]

MoveCursor(t) ==
  /\ IsActive(t) /\ cursor[t].open
  /\ LET row == NextRow(t) IN
     /\ answer' = [kind |-> "row", by |-> t, from |-> cursor[t].from, asOf |-> cursor[t].asOf, key |-> row.key, value |-> row.value]
     /\ cursor' = [cursor EXCEPT ![t] = IF row.key = 0 THEN Closed ELSE [@ EXCEPT !.from = row.key + 1]]
  /\ UNCHANGED <<commits, operations, transaction, store, buffer, decided, published>>

(* One synchronous step: the sequence, and the data readable at it.          *)
Commit(t) ==
  /\ IsActive(t) /\ operations[t] # <<>>
  /\ LET keys == {k \in Keys : buffer[t][k] # {}}
         written == [k \in keys |-> Buffered(t, k, OperationsMax)[2]]
         meant == {k \in Keys : OwnWrite(t, k, Len(operations[t])) # <<>>}
         sequence == IF Broken("sequence-from-snapshot") THEN transaction[t].snapshot + 1 ELSE decided + 1
     IN /\ commits' = Append(commits, [k \in meant |-> OwnWrite(t, k, Len(operations[t]))[1]])
        /\ store' = [k \in Keys |-> IF k \in keys THEN store[k] \cup {<<sequence, written[k]>>} ELSE store[k]]
        /\ transaction' = [transaction EXCEPT ![t].status = "committed", ![t].commit = sequence]
        /\ decided' = Max({decided, sequence})
  /\ cursor' = [cursor EXCEPT ![t] = Closed]
  /\ operations' = [operations EXCEPT ![t] = <<>>]
  /\ buffer' = [buffer EXCEPT ![t] = [k \in Keys |-> {}]]
  /\ answer' = Nothing
  /\ UNCHANGED published

Abort(t) ==
  /\ IsActive(t)
  /\ store' = IF Broken("abort-leaves-writes")
              THEN [k \in Keys |-> store[k] \cup {<<decided, e[2]>> : e \in buffer[t][k]}] ELSE store
  /\ transaction' = [transaction EXCEPT ![t].status = "gone"]
  /\ cursor' = [cursor EXCEPT ![t] = Closed]
  /\ operations' = [operations EXCEPT ![t] = <<>>]
  /\ buffer' = [buffer EXCEPT ![t] = [k \in Keys |-> {}]]
  /\ answer' = Nothing
  /\ UNCHANGED <<commits, decided, published>>

(* A reader without writes may begin at the published sequence at any time.  *)
ReadPublished(k) ==
  /\ answer' = [kind |-> "published", key |-> k, value |-> StoredAt(k, published)[2]]
  /\ UNCHANGED <<commits, operations, transaction, store, buffer, decided, published, cursor>>

Publish ==
  /\ published < decided
  /\ \E s \in (published + 1)..decided : published' = s
  /\ answer' = Nothing
  /\ UNCHANGED <<commits, operations, transaction, store, buffer, decided, cursor>>

(* Retention: of each key the newest version at or below each live snapshot, *)
(* the published sequence among them, and whatever is above it; a tombstone  *)
(* goes if it is at or below the oldest, since then nothing older is kept.    *)
(* (That compaction sees but a part of a key's versions: Compaction.tla.)    *)
Live == ActiveSnapshots \cup (IF Broken("published-not-retained") THEN {decided} ELSE {published})

IsNeeded(k, v) ==
  LET newest(s) == \A w \in store[k] : w[1] <= s => w[1] <= v[1] IN
  \/ v[1] > published /\ ~Broken("published-not-retained")
  \/ \E s \in IF Broken("newest-snapshot-only") THEN {Max(Live)} ELSE Live : v[1] <= s /\ newest(s)

Kept(k) ==
  {v \in store[k] :
     /\ IsNeeded(k, v)
     /\ v[2] # Absent \/ (v[1] > Min(Live) /\ ~Broken("tombstone-dropped-early"))}

Collect(k) ==
  /\ Kept(k) # store[k]
  /\ store' = [store EXCEPT ![k] = Kept(k)]
  /\ answer' = Nothing
  /\ UNCHANGED <<commits, operations, transaction, buffer, decided, published, cursor>>

--------------------------------------------------------------------------------
Init ==
  /\ commits = <<>>
  /\ operations = [t \in Transactions |-> <<>>]
  /\ transaction = [t \in Transactions |-> [status |-> "idle", snapshot |-> 0, commit |-> 0]]
  /\ store = [k \in Keys |-> {}]
  /\ buffer = [t \in Transactions |-> [k \in Keys |-> {}]]
  /\ decided = 0 /\ published = 0
  /\ cursor = [t \in Transactions |-> Closed]
  /\ answer = Nothing

Next ==
  \/ Publish
  \/ \E k \in Keys : ReadPublished(k) \/ Collect(k)
  \/ \E t \in Transactions :
       \/ Begin(t)
       \/ \E k \in Keys : Read(t, k)
       \/ \E k \in Keys, v \in Values \cup {Absent} : Write(t, {k}, v)
       \/ Write(t, Keys, Absent)
       \/ OpenCursor(t)
       \/ MoveCursor(t)
       \/ Commit(t)
       \/ Abort(t)

Spec == Init /\ [][Next]_vars

--------------------------------------------------------------------------------
(* What must hold.                                                           *)

(* A key that the transaction has not written shows the newest value that    *)
(* was committed at or below its snapshot, also to a reader at published.    *)
SnapshotReads ==
  /\ answer.kind = "read" /\ OwnWrite(answer.by, answer.key, Len(operations[answer.by])) = <<>> =>
       answer.value = ValueAt(answer.key, transaction[answer.by].snapshot)
  /\ answer.kind = "published" => answer.value = ValueAt(answer.key, published)

(* A key that it has written shows what it wrote last.                       *)
ReadYourWrites ==
  answer.kind = "read" =>
    LET own == OwnWrite(answer.by, answer.key, Len(operations[answer.by]))
    IN own # <<>> => answer.value = own[1]

(* A cursor delivers the next key that has a value, with that value, counting *)
(* the writes made before it was opened and no others.                        *)
CursorIsExact ==
  answer.kind = "row" =>
    LET right == {k \in Keys : k >= answer.from /\ Expected(answer.by, k, answer.asOf) # Absent}
    IN IF right = {} THEN answer.key = 0
       ELSE answer.key = Min(right) /\ answer.value = Expected(answer.by, answer.key, answer.asOf)

UniqueSequences ==
  \A t, u \in Transactions :
    transaction[t].commit # 0 /\ transaction[t].commit = transaction[u].commit => t = u

(* Every snapshot that is live, or may yet be taken, finds what it must.     *)
CollectionDropsNothingVisible ==
  \A s \in ActiveSnapshots \cup published..decided, k \in Keys : StoredAt(k, s)[2] = ValueAt(k, s)
================================================================================
