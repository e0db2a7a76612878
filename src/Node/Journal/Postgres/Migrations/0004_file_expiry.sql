-- Files of downloads that are removed when their retention ends. Written with the row that ends the task.

CREATE TABLE file_expiry (
  expires_at  timestamptz NOT NULL,
  ordinal     bigint  NOT NULL,
  shard_id    integer NOT NULL,
  generation  integer NOT NULL,
  session_id  text COLLATE "C" NOT NULL,
  destination text COLLATE "C" NOT NULL,         -- tenant/container/path
  etag        text    NOT NULL,                  -- of the file that is meant; another one stays
  PRIMARY KEY (shard_id, expires_at, session_id, generation, ordinal)
);
