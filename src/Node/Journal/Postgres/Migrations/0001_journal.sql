-- The first schema: who belongs to the cluster, who owns which shard, and the sessions' journal.
-- Columns of fixed width stand first where rows are many: they need no padding there.

CREATE TABLE cluster_view (                       -- exactly one row
  only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  name        text    NOT NULL,
  version     bigint  NOT NULL,                   -- +1 in the same transaction as every change of membership
  shard_count integer NOT NULL,                   -- fixed for life
  lease_ms    integer NOT NULL,                   -- belongs to the cluster, not to a process
  secret      bytea   NOT NULL,                   -- nodes prove to each other that they read the same store
  founded_at  timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);

CREATE TABLE node (
  node_id          uuid PRIMARY KEY,              -- incarnation: new at every process start
  node_name        text NOT NULL,
  address          text NOT NULL,
  build            text NOT NULL,
  state            text NOT NULL CHECK (state IN ('active', 'draining', 'left', 'dead')),
  lease_expires_at timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE shard (
  shard_id      integer PRIMARY KEY,
  epoch         bigint  NOT NULL DEFAULT 0,       -- only ever increases
  owner_node_id uuid    NULL,
  takeovers     integer NOT NULL DEFAULT 0        -- adoptions from dead owners in a row; reset by a release in good order
) WITH (fillfactor = 50);

CREATE TABLE session_journal (
  sequence    bigint  NOT NULL,                   -- 1, 2, 3 … without gaps
  epoch       bigint  NOT NULL,                   -- who wrote it; does not decrease along the sequence
  number      bigint  NULL,                       -- number of an event that clients see, without gaps
  last_number bigint  NOT NULL,                   -- the highest number at or before this row: searched by bisection, so no index on number
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  command_id  uuid    NULL,
  shard_id    integer NOT NULL,
  session_id  text COLLATE "C" NOT NULL,
  event_type  text    NOT NULL,
  payload     bytea   NOT NULL,
  PRIMARY KEY (shard_id, session_id, sequence)
);

CREATE TABLE session_head (                       -- one row for a session, written with its events
  last_sequence     bigint  NOT NULL,
  last_epoch        bigint  NOT NULL,
  last_number       bigint  NOT NULL,
  snapshot_sequence bigint  NOT NULL DEFAULT 0,
  wake_at           timestamptz NULL,             -- 'epoch' has work now; future is a durable timer; NULL may sleep
  appends           bigint  NOT NULL,             -- commits so far; 0 only for a head that began in the middle, which rolls back
  shard_id          integer NOT NULL,
  generation        integer NOT NULL,
  session_id        text COLLATE "C" NOT NULL,
  state             text    NOT NULL,
  PRIMARY KEY (shard_id, session_id)
) WITH (fillfactor = 50);                         -- updated in place (HOT) as long as wake_at stays
CREATE INDEX session_head_wake ON session_head (shard_id, wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX session_head_name ON session_head (session_id);

CREATE TABLE session_snapshot (
  shard_id   integer NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  sequence   bigint  NOT NULL,
  epoch      bigint  NOT NULL,
  format     text    NOT NULL,
  payload    bytea   NOT NULL,
  PRIMARY KEY (shard_id, session_id, sequence)
);
-- A large session's snapshot must be written within the statement's time: compressing it would take most of that.
ALTER TABLE session_snapshot ALTER COLUMN payload SET STORAGE EXTERNAL;

CREATE TABLE task_archive (
  ordinal    bigint  NOT NULL,
  shard_id   integer NOT NULL,
  generation integer NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  task_id    text COLLATE "C" NOT NULL,
  payload    bytea   NOT NULL,
  PRIMARY KEY (shard_id, session_id, generation, ordinal)
);
CREATE INDEX task_archive_task ON task_archive (shard_id, session_id, generation, task_id);

-- Rolls the statement back that calls it, as a taken key would.
CREATE FUNCTION refuse_append(session_id text) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
  RAISE unique_violation USING MESSAGE = 'the next row of ' || session_id || ' is another one';
END
$$;
