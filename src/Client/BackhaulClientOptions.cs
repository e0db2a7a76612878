namespace Backhaul.Client;

/// <summary>How a <see cref="BackhaulClient"/> reaches its cluster. Every value has a default that fits one embedded node on this machine.</summary>
public sealed record BackhaulClientOptions
{
    /// <summary>
    /// Where nodes listen; any of them serves every session. When one cannot be reached or cannot serve at the moment (it starts, drains, is cut
    /// off), the next one is tried with the same idempotency key, and the one that works is kept.
    /// </summary>
    public IReadOnlyList<Uri> Endpoints { get; init; } = [new Uri("http://127.0.0.1:5080")];

    /// <summary>The key that says who the caller is; an embedded node on loopback needs none.</summary>
    public string? Key { get; init; }

    /// <summary>
    /// How long a call may take with all its retries. Moving a file counts from the last byte that moved. Event streams have no
    /// deadline: they reconnect until they are cancelled.
    /// </summary>
    public TimeSpan CallDeadline { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long one attempt waits for its answer (or for the next byte of a file) before it is tried again.</summary>
    public TimeSpan AttemptTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>An event stream that is silent for longer than this is connected anew; nodes send a keep-alive every 15 s.</summary>
    public TimeSpan StreamSilence { get; init; } = TimeSpan.FromSeconds(45);

    /// <summary>Sends the requests instead of the client's own connections, for tests and special proxies. It is not disposed.</summary>
    public HttpMessageHandler? Handler { get; init; }

    /// <summary>The clock of time-outs and waits.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>From 0 to 1; spreads retries.</summary>
    internal Func<double> Jitter { get; init; } = Random.Shared.NextDouble;

    /// <summary>Waits before a retry.</summary>
    internal Func<TimeSpan, CancellationToken, Task>? Wait { get; init; }

    internal static void Validate(BackhaulClientOptions options)
    {
        var wrong = options.Endpoints.Count == 0 ? "A client needs at least one endpoint, for instance http://127.0.0.1:5080."
            : options.Endpoints.FirstOrDefault(endpoint => !IsUsable(endpoint)) is { } bad
                ? $"The endpoint {bad.OriginalString} is not an absolute http or https address without query and user."
            : options.Key is { } key && (key.Length == 0 || key.AsSpan().ContainsAnyExceptInRange('\x21', '\x7e'))
                ? "The key has characters other than printable ASCII; give it as it was issued."
            : options.AttemptTimeout <= TimeSpan.Zero || options.CallDeadline < options.AttemptTimeout
                ? "AttemptTimeout must be positive and at most CallDeadline."
            : options.StreamSilence <= TimeSpan.Zero ? "StreamSilence must be positive."
            : null;
        if (wrong is not null)
            throw new ArgumentException(wrong, nameof(options));
    }

    private static bool IsUsable(Uri endpoint) =>
        endpoint.IsAbsoluteUri && (endpoint.Scheme is "http" or "https") && endpoint.Query.Length == 0 && endpoint.UserInfo.Length == 0;
}
