using System.Runtime.CompilerServices;
using Backhaul.Node.Journal;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

[CollectionDefinition(nameof(MeasuredAlone), DisableParallelization = true)]
public sealed class MeasuredAlone;

[Collection(nameof(MeasuredAlone))]
public sealed class FootprintTests
{
    private const int Count = 20_000;

    /// <summary>Live bytes are exact where resident memory is not: the promise of 1 KiB a queued task leaves the rest to the collector.</summary>
    [Fact]
    public void A_queued_task_costs_less_than_640_bytes_of_live_memory_also_after_a_load()
    {
        var created = Enumerable.Range(1, Count).Select(ordinal => Created(ordinal)).ToList();
        var events = created.ConvertAll(task => SessionEvent.Codec.Encode(task));
        created.Clear();
        var snapshot = SessionSnapshot.Of(Applied(events)).Encode();
        var (applied, restored) = (BytesPerTask(() => Applied(events)), BytesPerTask(() => Restored(snapshot)));
        Assert.InRange(applied, 1, 640);
        Assert.InRange(restored, 1, 640);
        GC.KeepAlive(events);
        GC.KeepAlive(snapshot);
    }

    /// <summary>
    /// What two measurements in a row say: tests that ended leave connections and pooled buffers behind, which go at a time of their own, and what they free
    /// meanwhile would count as the session's. It makes one too small, also negative, and hardly two alike.
    /// </summary>
    private static long BytesPerTask(Func<Session> build)
    {
        var held = new Session?[1];
        List<long> measured = [];
        while (measured is not [.., > 0 and var one, var other] || Math.Abs(one - other) > 1)
        {
            Assert.True(measured.Count < 30, $"No two measurements in a row agree: {string.Join(", ", measured)}.");
            var before = LiveBytes();
            Fill(held, build);
            measured.Add((LiveBytes() - before) / Count);
            held[0] = null;
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{string.Join(", ", measured)} bytes a task");
        return Math.Min(measured[^1], measured[^2]);
    }

    /// <summary>In a frame of its own: one that goes on would hold the session of the round before.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Fill(Session?[] held, Func<Session> build) => held[0] = build();

    /// <summary>
    /// Collected until two looks agree: <see cref="GC.GetTotalMemory"/> alone is content with 5 % of the heap,
    /// and 5 % of what other tests left may be more than the session.
    /// </summary>
    private static long LiveBytes()
    {
        var (last, seen) = (long.MaxValue, GC.GetTotalMemory(forceFullCollection: true));
        for (var look = 0; look < 20 && Math.Abs(last - seen) > 16 * 1024; look++)
            (last, seen) = (seen, GC.GetTotalMemory(forceFullCollection: true));
        return seen;
    }

    private static Session Applied(List<EncodedEvent> events)
    {
        var session = new SessionHarness().Opened().Session;
        foreach (var stored in events)
            session.Apply(Decode(stored));
        return session;
    }

    private static Session Restored(byte[] snapshot)
    {
        var session = new Session(SessionHarness.Key, new SessionOptions());
        session.Restore(SessionSnapshot.Decode(SessionSnapshot.Format, snapshot)!);
        return session;
    }

    private static TaskCreated Created(int ordinal) => new(
        TaskId.FromOrdinal(ordinal), ordinal,
        SessionHarness.Download(url: $"https://origin.example/files/{ordinal}.bin") with
        {
            Destination = new FileReference(ContainerName.Default, ContainerPath.Parse($"x/{ordinal}.bin")),
        },
        1, new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    private static SessionEvent Decode(EncodedEvent stored) =>
        ((DecodeResult<SessionEvent>.Decoded)SessionEvent.Codec.Decode(stored.Name, stored.Payload)).Event;
}
