// Package jobs runs long work on buckets: emptying one, and undeleting what delete
// markers hide. It knows no disk and no policy; what it needs of them it declares as
// [Store], [Work] and [Documents].
//
// A job is a document that is kept in the folder: what is to be done ([Spec]), how far
// it got, and what it came to. It is written when the job is taken, about each second
// while it runs, and when it ends. So a job outlives a restart, and goes on from the
// last place that was written: what was removed after that is gone, and not met again.
// The counts may lack what was removed between the last writing and a kill; the ledger
// lacks nothing.
//
// # What a job removes
//
// What was there when the job was taken, and nothing that came since: each entry has an
// order, and the job remembers one that was above all of them. It tells how many entries
// it met that came since.
//
// Each entry is judged as a DeleteObjects of the starter would be at that moment. One
// that may not be removed is counted, some are shown, and the job goes on. Only what
// takes away the ground ends it: the key or user of the starter is gone or disabled, or
// the bucket is.
//
// # Order
//
// A cut at any point, and any look at the bucket meanwhile, must show no version as
// current that was not: readers would take it for restored. So of each key the current
// entry goes last; until then the others are noncurrent, in whatever order they go. They
// go in the order of the history, which is how pages come, so that a key of a million
// versions takes no more memory than one of a thousand. A current delete marker stays if
// anything below it stays, for a lock keeps it or the starter may not remove it: what
// was deleted stays deleted. A current object goes in any case; what is kept below it is
// then current, as after any delete of a version. Nothing is ever added.
//
// Undeleting removes markers alone. Those of a key go only if all that are above its
// newest version were made within the time asked for, so that the key becomes visible;
// until the last one of them is gone it is hidden as before.
//
// # Concurrency
//
// At most two jobs run at once, and one that ran for five seconds makes room for those that
// wait. The next is one of the account whose users run the fewest jobs, of these the one
// that waited longest: who starts many, or slow ones, keeps nobody waiting for long. Jobs whose
// prefixes overlap in one bucket would get into each other's way: a second one is
// refused ([ErrConflict]) while the first is not finished, unless one of them is a dry
// run. An account has at most a hundred unfinished ones ([ErrTooMany]). Finished jobs are
// kept for seven days, and never more than the last hundred.
package jobs
