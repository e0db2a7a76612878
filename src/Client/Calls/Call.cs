using Backhaul.Protocol;

namespace Backhaul.Client.Calls;

/// <summary>One intent: everything of a request that stays the same in each of its attempts, above all its idempotency key.</summary>
internal sealed record Call(HttpMethod Method, string Path)
{
    /// <summary>Set on every POST, PATCH and DELETE.</summary>
    public CommandId? Intent { get; init; }

    /// <summary>The body, sent again as it is.</summary>
    public ReadOnlyMemory<byte>? Body { get; init; }

    public string MediaType { get; init; } = "application/json";

    public string Accept { get; init; } = "application/json";

    /// <summary>A body that is streamed instead of <see cref="Body"/>; made for each attempt.</summary>
    public Func<AttemptLimit, HttpContent>? Content { get; init; }

    /// <summary>Headers that depend on what earlier attempts reached.</summary>
    public Action<HttpRequestMessage>? Prepare { get; init; }

    /// <summary>What the node itself was asked to wait before it answers.</summary>
    public TimeSpan LongPoll { get; init; }

    /// <summary>False when a second attempt could not send the same bytes.</summary>
    public bool Repeatable { get; init; } = true;

    public HttpRequestMessage ToRequest(Uri endpoint, string? key, AttemptLimit limit)
    {
        var request = new HttpRequestMessage(Method, new Uri(endpoint, Path))
        {
            Version = endpoint.Scheme == "https" ? System.Net.HttpVersion.Version20 : System.Net.HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        request.Headers.Add("Accept", Accept);
        if (key is not null)
            request.Headers.Add("Authorization", "Bearer " + key);
        if (Intent is { } intent)
            request.Headers.Add("Idempotency-Key", intent.ToString());
        if (Content is not null)
        {
            request.Content = Content(limit);
        }
        else if (Body is { } body)
        {
            request.Content = new ReadOnlyMemoryContent(body);
            request.Content.Headers.Add("Content-Type", MediaType);
        }
        Prepare?.Invoke(request);
        return request;
    }
}
