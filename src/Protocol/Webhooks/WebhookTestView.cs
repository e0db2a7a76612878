namespace Backhaul.Protocol;

/// <summary>What a receiver made of one test message.</summary>
public sealed record WebhookTestView
{
    /// <summary>Of the message, as <c>webhook-id</c> said it.</summary>
    public required string Id { get; init; }

    /// <summary>Where it went.</summary>
    public required string Url { get; init; }

    /// <summary>The answer was 2xx.</summary>
    public required bool Taken { get; init; }

    /// <summary>Of the answer, when there was one.</summary>
    public int? Status { get; init; }

    /// <summary>How long the answer took, with the wait for a connection.</summary>
    public required TimeSpan Took { get; init; }

    /// <summary>What came of it, in a sentence.</summary>
    public required string Why { get; init; }
}
