using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Origins;

namespace Backhaul.Node.Tests.Transfers.Origins;

/// <summary>Attempts in virtual time that go through the gates as real requests do: a dead host lets them wait for its connection, another answers after a second.</summary>
internal sealed class GatedEngine(OriginGates gates, TimeProvider time) : IAttemptRunner
{
    public static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);
    public static readonly TimeSpan Work = TimeSpan.FromSeconds(1);

    private readonly long _began = time.GetTimestamp();

    /// <summary>What an origin's journal would show: when a connection to a host was tried.</summary>
    public List<(string Host, TimeSpan At)> Contacts { get; } = [];

    /// <summary>How a host answers; null: not at all.</summary>
    public Func<string, OriginContact?> Answer { get; set; } = static host =>
        host.Contains("dead", StringComparison.Ordinal) ? null : new OriginContact.Answered(200, null);

    public TimeSpan Now => time.GetElapsedTime(_began);

    public async Task<AttemptOutcome> RunAsync(AttemptOrder order, IAttemptReports reports, CancellationToken stop)
    {
        var origin = OriginName.Of(new Uri(order.Url));
        using var watch = new AttemptWatch(time, TimeSpan.FromMinutes(1), stop);
        if (await gates.EnterAsync(origin, order, watch) is GateAnswer.WaitUntil held)
        {
            return new AttemptOutcome.Failed(new AttemptFailure
            {
                Code = TransferCodes.HeldBack,
                Message = held.Why,
                Retryable = true,
                WaitReason = held.Reason,
                RetryAfter = held.At - time.GetUtcNow(),
            });
        }
        Contacts.Add((origin, Now));
        var contact = Answer(origin);
        await Task.Delay(contact is null ? ConnectTimeout : Work, time, CancellationToken.None);
        gates.Report(origin, contact ?? new OriginContact.Unreachable(TransferCodes.ConnectFailed, "no connection"));
        return contact switch
        {
            OriginContact.Answered { Status: 200 } => new AttemptOutcome.Finished(Head(order.Url), 1, 0, null, Verified: true, null),
            OriginContact.Answered answered => Failed(TransferCodes.HttpStatus, answered.RetryAfter),
            _ => Failed(TransferCodes.ConnectFailed, null),
        };
    }

    public Task DiscardAsync(TaskFiles files, long epoch, bool resultToo) => Task.CompletedTask;

    public Task<bool> AbandonUploadAsync(AttemptOrder order) => Task.FromResult(true);

    private static AttemptOutcome.Failed Failed(string code, TimeSpan? retryAfter) =>
        new(new AttemptFailure { Code = code, Message = code, Retryable = true, RetryAfter = retryAfter });

    private static AttemptResponse Head(string url) =>
        new() { Url = url, Status = 200, Headers = new Dictionary<string, string>(StringComparer.Ordinal), Resumable = false, ResumableWhy = "", From = 0, Total = 1 };
}
