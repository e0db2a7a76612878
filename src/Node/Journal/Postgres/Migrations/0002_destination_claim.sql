-- Which task, of whatever session, owns a destination until it ends. Written with the rows that create and end the task.

CREATE TABLE destination_claim (
  destination text COLLATE "C" PRIMARY KEY,      -- tenant/container/path
  session_id  text COLLATE "C" NOT NULL,         -- set to NULL by an append that meets another session's: that rolls it back
  task_id     text COLLATE "C" NOT NULL
);
