using System.Net.Http.Headers;

namespace Backhaul.Node.Files.S3;

/// <summary>
/// What came of a call, after its repetitions: an answer of the store, good or not, or none. A 200 that carries an error in its body, as the end of a
/// multipart upload may, counts as that error.
/// </summary>
internal sealed class S3Reply : IDisposable
{
    private readonly HttpResponseMessage? _message;

    private S3Reply(HttpResponseMessage? message) => _message = message;

    /// <summary>0 when no answer came.</summary>
    public int Status { get; private init; }

    /// <summary>The store's own code, such as <c>NoSuchUpload</c>; empty on success and where there was none.</summary>
    public string Code { get; private init; } = "";

    /// <summary>A sentence of the store, or why no answer came.</summary>
    public string Message { get; private init; } = "";

    /// <summary>The answer's XML; empty when it has none or when it is streamed.</summary>
    public string Text { get; private init; } = "";

    public bool IsGood => Status is >= 200 and < 300 && Code.Length == 0;

    /// <summary>No answer, or one that says: later. Nothing is known of the call's effect.</summary>
    public bool IsAway => Status is 0 or 408 or 429 or (>= 500 and not 501) || Code is "SlowDown" or "InternalError" or "ServiceUnavailable" or "RequestTimeout";

    public bool IsMissing => Status == 404 && Code is "" or "NoSuchKey" or "NotFound";

    /// <summary>The upload was finished, aborted, or removed by a rule of the bucket.</summary>
    public bool IsNoSuchUpload => Code == "NoSuchUpload";

    /// <summary>The store has no such operation: some do without listing or aborting uploads.</summary>
    public bool IsUnsupported => Status is 405 or 501;

    /// <summary>The object is not the one that the request's conditions ask for.</summary>
    public bool IsConditionFailed => Status == 412 || Code is "PreconditionFailed" or "ConditionalRequestConflict";

    /// <summary>Quoted, as HTTP has it; null when the answer names none.</summary>
    public string? ETag => Header("ETag");

    public long? Length => _message?.Content.Headers.ContentLength;

    /// <summary>Length of the whole object, from a partial answer.</summary>
    public long? RangeTotal => _message?.Content.Headers.ContentRange?.Length;

    public long? RangeFrom => _message?.Content.Headers.ContentRange?.From;

    public DateTimeOffset? Modified => _message?.Content.Headers.LastModified;

    public string? Header(string name) =>
        _message is not null && _message.Headers.NonValidated.TryGetValues(name, out HeaderStringValues values) ? values.ToString() : null;

    public ValueTask<Stream> OpenBodyAsync(CancellationToken stop) => new(_message!.Content.ReadAsStreamAsync(stop));

    public static S3Reply Of(HttpResponseMessage message, string text, (string Code, string Message)? error) => new(message)
    {
        Status = (int)message.StatusCode,
        Text = text,
        Code = error?.Code ?? "",
        Message = error?.Message ?? "",
    };

    public static S3Reply None(string why) => new(null) { Message = why };

    public void Dispose() => _message?.Dispose();
}
