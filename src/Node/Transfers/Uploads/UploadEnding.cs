using Backhaul.Node.Files;

namespace Backhaul.Node.Transfers.Uploads;

/// <summary>Tells a target to forget an upload that will not be finished: three tries, and then its own expiry has to do.</summary>
internal static class UploadEnding
{
    private const int TriesMax = 3;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan PerTry = TimeSpan.FromSeconds(10);

    /// <summary>False when the target could not be told. One that keeps nothing, or whose protocol has no word for it, needs no telling.</summary>
    public static async Task<bool> RunAsync(AttemptOrder order, TransferServices services, UploadProtocols protocols)
    {
        if (order.Resume?.Upload is not { } state || protocols.Find(state.Protocol) is not { } protocol || !Uri.TryCreate(order.Url, UriKind.Absolute, out var url))
            return true;
        for (var tried = 1; tried <= TriesMax; tried++)
        {
            using (var limit = new CancellationTokenSource(PerTry, services.Time))
            using (var watch = new AttemptWatch(services.Time, PerTry, limit.Token))
            {
                var run = new UploadRun(order, SilentReports.Instance, services, protocols.Memory, watch, url, EmptySource.Instance, null);
                if (await protocol.TerminateAsync(run, state))
                    return true;
            }
            if (tried < TriesMax)
                await Task.Delay(Pause * tried, services.Time);
        }
        return false;
    }

    /// <summary>The task has ended: nobody is told any more.</summary>
    private sealed class SilentReports : IAttemptReports
    {
        public static readonly SilentReports Instance = new();

        public ValueTask<bool> RespondedAsync(AttemptResponse response) => new(true);

        public ValueTask<bool> CheckpointAsync(PartCheckpoint checkpoint) => new(true);

        public ValueTask<bool> RedirectedAsync(string toUrl, int status) => new(true);

        public ValueTask<bool> RestartedAsync(string why) => new(true);

        public void Progress(long bytesReceived, long bytesSent, long? totalToReceive, long? totalToSend)
        {
        }
    }

    private sealed class EmptySource : IUploadSource
    {
        public static readonly EmptySource Instance = new();

        public long Length => 0;

        public FileIdentity Identity { get; } = new(0, 0, 0);

        public ValueTask<int> ReadAsync(Memory<byte> into, long offset, CancellationToken stop) => new(0);

        public ValueTask<bool> IsUnchangedAsync(CancellationToken stop) => new(true);

        public ValueTask DisposeAsync() => default;
    }
}
