using Backhaul.Protocol;

namespace Backhaul.Node.Delivery;

/// <summary>Sends one webhook, once. What follows from the answer, and when it is tried again, is the session's to decide.</summary>
internal interface IWebhookSender
{
    /// <summary>Throws only when <paramref name="stop"/> is cancelled.</summary>
    /// <param name="message">What is sent.</param>
    /// <param name="mayAct">Whether this node may send for the session: asked once, when it is the message's turn, however long it waited for that.</param>
    /// <param name="stop">Nobody wants the answer any more.</param>
    /// <returns>Null when the node may not: nothing was sent.</returns>
    ValueTask<WebhookAnswer?> SendAsync(WebhookMessage message, Func<bool> mayAct, CancellationToken stop);
}

/// <summary>One webhook, ready to be signed.</summary>
/// <param name="Session">Whose it is: its tenant's secrets sign.</param>
/// <param name="Url">Where it goes.</param>
/// <param name="Secret">A sealed key, or the name of a secret.</param>
/// <param name="Id">The same each time that this is sent.</param>
/// <param name="Body">A CloudEvent.</param>
internal sealed record WebhookMessage(SessionKey Session, string Url, string Secret, string Id, ReadOnlyMemory<byte> Body)
{
    /// <summary>Tells of a task's end. There may be very many of these: half of the places is left to the others, and tenants and receivers share the rest.</summary>
    public bool IsNotification { get; init; }

    /// <summary>Tells nothing. Whoever sends these as fast as he can must not take the places of those that do.</summary>
    public bool IsTest { get; init; }
}

/// <summary>What a receiver said.</summary>
internal enum WebhookResult
{
    /// <summary>2xx.</summary>
    Taken = 1,

    /// <summary>Anything else, or nothing.</summary>
    Failed = 2,

    /// <summary>410: it wants no more.</summary>
    Gone = 3,
}

/// <param name="Result">What it means.</param>
/// <param name="Status">Of the answer; null when there was none.</param>
/// <param name="RetryAfter">Not before, as a 429 or 503 asked.</param>
/// <param name="Why">One sentence, without anything secret.</param>
internal sealed record WebhookAnswer(WebhookResult Result, int? Status, TimeSpan? RetryAfter, string Why);
