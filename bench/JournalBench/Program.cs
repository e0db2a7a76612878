// How many rows per second a journal takes and how long that lasts, with a flush per commit.
// dotnet run -c Release --project bench/JournalBench -- [directory] [seconds per line]             the embedded journal; also how long reads take
// dotnet run -c Release --project bench/JournalBench -- postgres [connection string] [seconds]     the cluster's; without a connection string it
//                                                                                                  starts a server of its own
using System.Diagnostics;
using Backhaul.JournalBench;
using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Sqlite;
using Backhaul.Store.Tests;
using Microsoft.Extensions.Logging.Abstractions;

if (args is ["postgres", ..])
{
    using var server = args.Length > 1 && args[1].Contains('=', StringComparison.Ordinal) ? null : PrivatePostgres.Start();
    var data = new byte[200];
    new Random(1).NextBytes(data);
    await new PostgresBench(server?.ConnectionString ?? args[1], double.TryParse(args[^1], out var length) ? length : 5, data).RunAsync();
    return;
}

var root = args.Length > 0 ? args[0] : Directory.CreateTempSubdirectory("journal-bench-").FullName;
var seconds = args.Length > 1 ? double.Parse(args[1]) : 2;
var payload = new byte[200];
new Random(1).NextBytes(payload);

Console.WriteLine("rows/commit  sessions  numbered  commits/s     rows/s   p50 ms   p99 ms  cpu µs/row");
foreach (var (rows, sessions, numbered) in new[]
    { (1, 1, true), (10, 10, true), (100, 100, true), (100, 1, true), (500, 100, true), (500, 500, true), (500, 1, true), (500, 1, false) })
{
    await MeasureAppendsAsync(rows, sessions, numbered);
}

await MeasureReadsAsync();
return;

async Task MeasureAppendsAsync(int rows, int sessions, bool numbered)
{
    var directory = Path.Combine(root, $"{rows}-{sessions}-{numbered}");
    await using var store = new SqliteJournalStore(directory, new SqliteOptions(), TimeProvider.System, NullLogger<SqliteJournalStore>.Instance);
    var grants = await store.TakeAllAsync(new NodeId(Guid.NewGuid()), 256, CancellationToken.None);
    var books = Enumerable.Range(0, Math.Max(sessions * 4, 100)).Select(index => new Book($"session-{index}", grants)).ToArray();
    var latencies = new List<double>();
    var commits = 0;
    var cpu = Environment.CpuUsage.TotalTime;
    var watch = Stopwatch.StartNew();
    while (watch.Elapsed.TotalSeconds < seconds)
    {
        var batch = new List<SessionAppend>(sessions);
        for (var index = 0; index < sessions; index++)
            batch.Add(books[((commits * sessions) + index) % books.Length].Next(rows / sessions, numbered, payload));
        var from = watch.Elapsed;
        await store.CommitAsync(batch, CancellationToken.None);
        latencies.Add((watch.Elapsed - from).TotalMilliseconds);
        commits++;
    }

    var cpuPerRow = (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / ((double)commits * rows);
    latencies.Sort();
    var rate = commits / watch.Elapsed.TotalSeconds;
    var (middle, slow) = (latencies[latencies.Count / 2], latencies[latencies.Count * 99 / 100]);
    Console.WriteLine(
        $"{rows,11}  {sessions,8}  {(numbered ? "all" : "none"),8}  {rate,9:N0}  {rate * rows,9:N0}  {middle,7:N2}  {slow,7:N2}  {cpuPerRow,10:N1}");
    Directory.Delete(directory, recursive: true);
}

async Task MeasureReadsAsync()
{
    const int Rows = 200_000;
    const int Page = 2000;
    var directory = Path.Combine(root, "reads");
    await using var store = new SqliteJournalStore(directory, new SqliteOptions(), TimeProvider.System, NullLogger<SqliteJournalStore>.Instance);
    var grants = await store.TakeAllAsync(new NodeId(Guid.NewGuid()), 256, CancellationToken.None);
    var book = new Book("reader", grants);
    for (var written = 0; written < Rows; written += 500)
        await store.CommitAsync([book.Next(500, numbered: written % 1000 == 0, payload)], CancellationToken.None);

    var watch = Stopwatch.StartNew();
    for (long after = 0; after < Rows; after += Page)
        _ = await store.ReadRowsAsync(book.Grant, book.Session, after, Page, CancellationToken.None);
    Console.WriteLine($"replay of {Rows:N0} rows in pages of {Page:N0}: {watch.Elapsed.TotalSeconds:N2} s");

    watch.Restart();
    for (var probe = 0; probe < 1000; probe++)
        _ = await store.ReadNumberedAsync(book.Grant, book.Session, probe * 97 % (Rows / 2), 100, CancellationToken.None);
    Console.WriteLine($"a page of 100 numbered rows out of {Rows:N0}: {watch.Elapsed.TotalMilliseconds / 1000:N3} ms");
    Directory.Delete(directory, recursive: true);
}
