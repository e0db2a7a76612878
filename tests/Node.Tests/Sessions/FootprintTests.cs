using System.Text.Json;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

public sealed class FootprintTests
{
    /// <summary>Live bytes are exact where resident memory is not: the promise of 1 KiB a queued task leaves the rest to the collector.</summary>
    [Fact]
    public void A_queued_task_costs_less_than_640_bytes_of_live_memory_also_after_a_load()
    {
        const int Count = 20_000;
        var session = new SessionHarness().Opened();
        var created = Enumerable.Range(1, Count).Select(ordinal => Created(ordinal)).ToList();
        var events = created.ConvertAll(task => SessionEvent.Codec.Encode(task));
        created.Clear();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        foreach (var stored in events)
            session.Session.Apply(Decode(stored));
        var bytes = (GC.GetTotalMemory(forceFullCollection: true) - before) / Count;
        GC.KeepAlive(session);
        GC.KeepAlive(events);
        Assert.InRange(bytes, 1, 640);

        var snapshot = SessionSnapshot.Of(session.Session).Encode();
        before = GC.GetTotalMemory(forceFullCollection: true);
        var restored = new Session(SessionHarness.Key, new SessionOptions());
        restored.Restore(SessionSnapshot.Decode(SessionSnapshot.Format, snapshot)!);
        bytes = (GC.GetTotalMemory(forceFullCollection: true) - before) / Count;
        GC.KeepAlive(restored);
        GC.KeepAlive(snapshot);
        Assert.InRange(bytes, 1, 640);
    }

    private static TaskCreated Created(int ordinal) => new(
        TaskId.FromOrdinal(ordinal), ordinal,
        SessionHarness.Download(url: $"https://origin.example/files/{ordinal}.bin") with
        {
            Destination = new FileReference(ContainerName.Default, ContainerPath.Parse($"x/{ordinal}.bin")),
        },
        1, new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    private static SessionEvent Decode(Backhaul.Node.Journal.EncodedEvent stored) =>
        ((Backhaul.Node.Journal.DecodeResult<SessionEvent>.Decoded)SessionEvent.Codec.Decode(stored.Name, stored.Payload)).Event;
}
