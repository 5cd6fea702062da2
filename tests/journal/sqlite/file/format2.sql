-- The tables of a journal of format 2.
CREATE TABLE run (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    root TEXT NOT NULL,
    replay_of TEXT,
    pipeline TEXT NOT NULL,
    version TEXT NOT NULL,
    pinned INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'queued',
    blocked INTEGER NOT NULL DEFAULT 0,
    received_at INTEGER NOT NULL,
    due_at INTEGER,
    finished_at INTEGER,
    tries INTEGER NOT NULL DEFAULT 0,
    order_key TEXT,
    dedupe_key TEXT,
    warnings TEXT,
    error TEXT
) STRICT;
CREATE INDEX run_listed ON run (pipeline, state, received_at);
CREATE INDEX run_startable ON run (pipeline) WHERE state = 'queued' AND blocked = 0;
CREATE INDEX run_waiting ON run (due_at) WHERE state = 'waiting';
CREATE INDEX run_running ON run (state) WHERE state = 'running';
CREATE INDEX run_ordered ON run (pipeline, order_key)
    WHERE order_key IS NOT NULL AND state IN ('queued', 'running', 'waiting');
CREATE INDEX run_deduped ON run (pipeline, dedupe_key, received_at) WHERE dedupe_key IS NOT NULL;
CREATE INDEX run_replays ON run (replay_of) WHERE replay_of IS NOT NULL;

CREATE TABLE payload (
    seq INTEGER PRIMARY KEY,
    event TEXT NOT NULL,
    blank TEXT,
    request TEXT NOT NULL
) STRICT;

CREATE TABLE attempt (
    seq INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    place INTEGER NOT NULL,
    step TEXT NOT NULL,
    number INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    elapsed_ms REAL NOT NULL,
    outcome TEXT NOT NULL,
    error TEXT,
    traceback TEXT,
    result TEXT,
    masked INTEGER NOT NULL,
    exchanges TEXT
) STRICT;
CREATE INDEX attempt_run ON attempt (run);

CREATE TABLE duplicate (
    run INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    event TEXT NOT NULL,
    blank TEXT,
    warnings TEXT
) STRICT;
CREATE INDEX duplicate_run ON duplicate (run);

CREATE TABLE refusal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    pipeline TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    status INTEGER NOT NULL,
    number INTEGER NOT NULL,
    reason TEXT NOT NULL,
    accepted_as TEXT,
    request TEXT NOT NULL
) STRICT;
CREATE INDEX refusal_numbered ON refusal (pipeline, status, number);
CREATE INDEX refusal_aged ON refusal (received_at, status);

CREATE TABLE version (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    pipeline TEXT NOT NULL,
    id TEXT NOT NULL,
    text TEXT NOT NULL,
    kept_at INTEGER,
    UNIQUE (pipeline, id)
) STRICT;

CREATE TABLE mode (
    pipeline TEXT PRIMARY KEY,
    mode TEXT NOT NULL,
    since INTEGER,
    reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 2;
