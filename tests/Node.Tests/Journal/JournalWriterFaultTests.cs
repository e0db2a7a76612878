using System.Text;
using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Memory;
using Backhaul.World;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backhaul.Node.Tests.Journal;

/// <summary>Random histories of faults: whatever the store does, the writer's answers are true and there is exactly one for each request.</summary>
public sealed class JournalWriterFaultTests
{
    private const int Shards = 3;
    private const int Sessions = 6;
    private const int AppendsPerSession = 15;
    private static readonly Arbitrary<int> Seeds = Gen.Choose(0, int.MaxValue - 1).ToArbitrary();

    [Fact]
    public void Every_answer_is_true_whatever_the_store_does() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300), Prop.ForAll(Seeds, seed => Story(seed)));

    /// <summary>The check itself is checked: a writer that takes an unknown outcome for a failure would be found out.</summary>
    [Fact]
    public void A_store_that_lies_about_what_it_wrote_is_found_out() =>
        Assert.ThrowsAny<Exception>(() => Check.One(Config.QuickThrowOnFailure, Prop.ForAll(Seeds, seed => Story(seed, lying: true))));

    private static void Story(int seed, bool lying = false)
    {
        var world = new VirtualWorld(seed);
        world.Run(async () =>
        {
            using var memory = new MemoryJournalStore(world.Time);
            var node = new NodeId(Guid.Parse("11111111-1111-1111-1111-111111111111"));
            var random = new Random(seed);
            var chaos = new ChaoticStore(memory, world.Time, random);
            var holders = (await memory.TakeAllAsync(node, Shards, default)).Select(grant => new Holder(grant)).ToList();
            var writer = new JournalWriter(
                lying ? new LyingStore(chaos) : chaos, new JournalOptions { BatchRowsMax = 8, QueueMax = 4, Writers = 1 + (seed & 1) },
                world.Time, world.Random, new Logger<JournalWriter>(world.Loggers));
            var answers = await Task.WhenAll(Enumerable.Range(0, Sessions).Select(index => WriteAsync(index)));
            chaos.Faulty = false;
            await writer.DisposeAsync();
            for (var index = 0; index < Sessions; index++)
                await CheckAsync(index, answers[index]);

            async Task<List<(string Tag, AppendOutcome Outcome)>> WriteAsync(int index)
            {
                var session = WriterBench.Key($"s{index}");
                var given = new List<(string, AppendOutcome)>();
                for (var turn = 0; turn < AppendsPerSession; turn++)
                {
                    var shard = index % Shards;
                    // A session starts from what the journal says, as it does after every failure; a lost shard comes back to a new host.
                    if (holders[shard].Current is null)
                        holders[shard] = new Holder(await memory.TakeOverAsync(shard, node, default));
                    if (holders[shard].Current is not { } grant || await memory.ReadLastSequenceAsync(grant, session, default) is not { } last)
                    {
                        holders[shard].Current = null;
                        continue;
                    }

                    var tag = $"{index}.{turn}";
                    var sent = new List<Task<AppendOutcome>>();
                    var holder = holders[shard];
                    for (var part = 0; part < 1 + (turn % 2); part++)
                    {
                        var rows = random.Next(1, 4);
                        sent.Add(writer.AppendAsync(WriterBench.Request(holder, $"s{index}", last + 1, rows, $"{tag}.{part}"), default).AsTask());
                        last += rows;
                    }

                    for (var part = 0; part < sent.Count; part++)
                        given.Add(($"{tag}.{part}", await sent[part]));
                }

                return given;
            }

            async Task CheckAsync(int index, List<(string Tag, AppendOutcome Outcome)> given)
            {
                var grant = await memory.TakeOverAsync(index % Shards, node, default);
                var rows = (await memory.ReadRowsAsync(grant, WriterBench.Key($"s{index}"), 0, int.MaxValue, default))!;
                Assert.Equal(Enumerable.Range(1, rows.Count).Select(sequence => (long)sequence), rows.Select(row => row.Sequence));
                Assert.Equal(rows.Select(row => row.Epoch).Order(), rows.Select(row => row.Epoch));
                var runs = rows.GroupBy(row => Encoding.UTF8.GetString(row.Payload.Span)).ToDictionary(run => run.Key, run => run.Count());
                foreach (var (tag, outcome) in given)
                {
                    if (outcome == AppendOutcome.Committed)
                        Assert.True(runs.ContainsKey(tag), $"{tag} was answered Committed and is not in the journal.");
                    else if (outcome != AppendOutcome.Unknown)
                        Assert.False(runs.ContainsKey(tag), $"{tag} was answered {outcome} and is in the journal.");
                    Assert.InRange(runs.GetValueOrDefault(tag), 0, 3);
                }
            }
        });
    }
}
