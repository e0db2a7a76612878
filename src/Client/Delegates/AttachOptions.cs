namespace Backhaul.Client;

/// <summary>How events are handed to a delegate.</summary>
public sealed record AttachOptions
{
    /// <summary>The wait before a method that threw is called again; doubled each time in a row, up to <see cref="RetryLongest"/>, ± a half.</summary>
    public TimeSpan RetryFirst { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest of these waits.</summary>
    public TimeSpan RetryLongest { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>True ends the attachment after <c>eventsDrained</c>: all tasks have ended and all events are handled. One that other tasks follow ends nothing.</summary>
    public bool StopWhenDrained { get; init; }

    /// <summary>How long <see cref="AttachedSession.DisposeAsync"/> lets the method that runs finish before it is cancelled.</summary>
    public TimeSpan StopGrace { get; init; } = TimeSpan.FromSeconds(10);

    internal static void Validate(AttachOptions options)
    {
        var wrong = options.RetryFirst <= TimeSpan.Zero ? "RetryFirst must be positive."
            : options.RetryLongest < options.RetryFirst ? "RetryLongest must be at least RetryFirst."
            : options.StopGrace < TimeSpan.Zero ? "StopGrace cannot be negative."
            : null;
        if (wrong is not null)
            throw new ArgumentException(wrong, nameof(options));
    }
}
