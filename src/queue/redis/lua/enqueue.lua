-- ARGV: a job. Returns id and state, or nil if the queue is full.
return enqueue(job_from(1))
