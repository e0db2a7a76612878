namespace Backhaul.Client;

/// <summary>What the check of a webhook's signature said.</summary>
public enum WebhookVerdict
{
    /// <summary>Signed by one of the secrets, and new enough.</summary>
    Valid = 1,

    /// <summary>One of <c>webhook-id</c>, <c>webhook-timestamp</c>, <c>webhook-signature</c> is missing or cannot be read.</summary>
    Malformed = 2,

    /// <summary>The timestamp is more than five minutes off: a repetition of an old message, or a clock that is wrong.</summary>
    TimestampOff = 3,

    /// <summary>No signature is one of a known secret.</summary>
    WrongSignature = 4,
}
