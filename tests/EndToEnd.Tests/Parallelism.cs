using Xunit;

// Most of these tests wait: for leases, for slow origins, for processes to start. Four at a time keep two cores busy.
[assembly: CollectionBehavior(MaxParallelThreads = 4)]
