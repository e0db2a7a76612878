-- What the nodes of a cluster know of an origin together; a document that is changed by compare and swap, and belongs to no shard.

CREATE TABLE origin_record (
  origin     text COLLATE "C" PRIMARY KEY,      -- https://example.org
  version    bigint NOT NULL,
  payload    text NOT NULL,                     -- '': nothing to say; forgotten after a day
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
