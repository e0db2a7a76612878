namespace Backhaul.Node.Delivery;

/// <summary>Limits of event streams and webhooks. Bound from <c>Backhaul:Delivery</c>, validated at start.</summary>
internal sealed record DeliveryOptions
{
    /// <summary>A comment after this long without a message: proxies and readers see that the stream lives. Below the idle limits of both.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>A write that takes longer than this ends the stream: what a reader does not take stays in the journal, not in memory.</summary>
    public TimeSpan WriteMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A planned close waits this long for a reader to take the hint when to come back.</summary>
    public TimeSpan CloseMax { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A session that does not answer a stream by then is asked again later, so that keep-alives go on while it moves. Below KeepAlive.</summary>
    public TimeSpan AskMax { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Progress is written at most this often on one stream, the newest of each task.</summary>
    public TimeSpan ProgressEvery { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Tasks whose progress waits on one stream; that of more is dropped, newer will come.</summary>
    public int ProgressTasksMax { get; init; } = 1024;

    /// <summary>Events read from the journal at once.</summary>
    public int PageEvents { get; init; } = 256;

    /// <summary>Open streams and waiting polls of this node together; more are answered 429.</summary>
    public int SubscriptionsMax { get; init; } = 10_000;

    /// <summary>Of these, those of one tenant, so that others find places too; null: eight tenths of <see cref="SubscriptionsMax"/>.</summary>
    public int? SubscriptionsPerTenantMax { get; init; }

    /// <summary>Before a planned close, readers are asked to come back after this long…</summary>
    public TimeSpan RetryMin { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>… up to this long, spread evenly, so that they do not come all at once.</summary>
    public TimeSpan RetryMax { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest a page may wait for its first event.</summary>
    public TimeSpan PollMax { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>A webhook that was not answered by then has failed. Receivers should answer first and work later.</summary>
    public TimeSpan WebhookTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Of a receiver's answer; more closes the connection.</summary>
    public int WebhookAnswerBytesMax { get; init; } = 16 * 1024;

    /// <summary>Webhooks of this node under way at once; more wait their turn.</summary>
    public int WebhooksMax { get; init; } = 64;

    public int ReadSubscriptionsPerTenantMax() => SubscriptionsPerTenantMax ?? (int)Math.Max(1, SubscriptionsMax * 8L / 10);

    /// <summary>What is wrong, as sentences; empty when nothing is.</summary>
    public IEnumerable<string> Validate()
    {
        if (KeepAlive < TimeSpan.FromSeconds(1) || KeepAlive > TimeSpan.FromMinutes(5))
            yield return $"Backhaul:Delivery:KeepAlive is {KeepAlive}. Choose 1 s to 5 min; 15 s is below the idle limits of common proxies.";
        if (WriteMax < TimeSpan.FromSeconds(1) || CloseMax < TimeSpan.Zero || CloseMax > WriteMax)
            yield return $"Backhaul:Delivery:WriteMax is {WriteMax} and CloseMax {CloseMax}. Choose at least 1 s for WriteMax, and not more for CloseMax.";
        if (AskMax < TimeSpan.FromMilliseconds(100) || AskMax >= KeepAlive)
            yield return $"Backhaul:Delivery:AskMax is {AskMax} and KeepAlive {KeepAlive}. Choose at least 100 ms for AskMax, and less than KeepAlive, so that keep-alives go on meanwhile.";
        if (ProgressEvery < TimeSpan.FromMilliseconds(10))
            yield return $"Backhaul:Delivery:ProgressEvery is {ProgressEvery}. Choose at least 10 ms.";
        if (ProgressTasksMax < 1 || PageEvents is < 1 or > 500 || SubscriptionsMax < 1 || SubscriptionsPerTenantMax < 1)
            yield return "Backhaul:Delivery:ProgressTasksMax, SubscriptionsMax and SubscriptionsPerTenantMax must be at least 1, and PageEvents from 1 to 500.";
        if (RetryMin < TimeSpan.Zero || RetryMax < RetryMin)
            yield return $"Backhaul:Delivery:RetryMin ({RetryMin}) must not be above RetryMax ({RetryMax}), and neither below zero.";
        if (WebhookTimeout < TimeSpan.FromSeconds(1) || WebhookTimeout > TimeSpan.FromMinutes(2))
            yield return $"Backhaul:Delivery:WebhookTimeout is {WebhookTimeout}. Choose 1 s to 2 min.";
        if (WebhookAnswerBytesMax is < 1024 or > 1024 * 1024 || WebhooksMax is < 1 or > 4096)
            yield return "Backhaul:Delivery:WebhookAnswerBytesMax must be from 1 KiB to 1 MiB, and WebhooksMax from 1 to 4096.";
        if (PollMax < TimeSpan.Zero || PollMax > TimeSpan.FromMinutes(5))
            yield return $"Backhaul:Delivery:PollMax is {PollMax}. Choose up to 5 min.";
    }
}
