using Backhaul.FaultOrigin.Tls;

namespace Backhaul.Origin.Tests.Downloads;

/// <summary>Every fault of a download. A new one is one line here, and runs all three ways.</summary>
internal static class FaultRows
{
    public static IReadOnlyList<FaultRow> All { get; } =
    [
        // Broken connections.
        new("Closed mid-body", "cut=100000&times=1", "truncated done / 0 r"),
        new("Reset mid-body", "reset=100000&times=1", "connectionLost done / 0 r"),
        new("Closed before the head", "drop=close&times=1", "done / 0 0", "done / r r"), // the client library asks once more by itself
        new("Reset before the head", "drop=reset&times=1", "connectionLost done / 0 r"),
        new("Closed in the head", "drop=half&times=1", "connectionLost done / 0 r"),
        new("Not HTTP", "drop=junk&times=1", "protocolError done / 0 r"),
        new("Closed three times", "cut=50000&times=3", "truncated truncated truncated done / 0 r r r"),

        // Framing.
        new("Chunks", "framing=chunked", "done / 0"),
        new("Chunks that end early", "framing=chunked&cut=100000&times=1", "truncated done / 0 r"),
        new("Chunks without sense", "framing=badchunk&times=1", "protocolError done / 0 r"),
        new("Chunks without the last", "framing=chunked&unended=1&times=1", "truncated done / 0 r", "done / r"),
        new("Length too long", "framing=long&times=1", "truncated done / 0 r 0", "done / r r"),
        new("Length too short", "framing=short&times=1", "digestMismatch / 0", "done / r r") { HasDigest = true },
        new("Two lengths", "framing=double&times=1", "protocolError done / 0 r"),
        new("Length and chunks", "framing=both&times=1", "protocolError done / 0 r"),
        new("Length is no number", "framing=junk&times=1", "protocolError done / 0 r"),
        new("No length", "framing=close", "done / 0"),
        new("No length and cut", "framing=close&cut=100000&times=1", "digestMismatch / 0", "truncated done / r r") { HasDigest = true },

        // What proves that a part may be continued.
        new("Content changed", "change=1", "done / 0", "done / r") { IsChanged = true },
        new("Content changed and If-Range ignored", "change=1&ignore-if-range=1", "done / 0", "done / r 0") { IsChanged = true },
        new("Content changed by date", "change=1&etag=none&lm=old", "done / 0", "done / r") { IsChanged = true },
        new("Weak tag only", "etag=weak&cut=100000&times=1", "truncated done / 0 0") { IsUnprovable = true },
        new("No tag and a recent date", "etag=none&lm=recent&cut=100000&times=1", "truncated done / 0 0") { IsUnprovable = true },
        new("No tag and an old date", "etag=none&lm=old&cut=100000&times=1", "truncated done / 0 r"),
        new("Ranges ignored", "ranges=no&cut=100000&times=1", "truncated done / 0 r"),
        new("Ranges refused", "ranges=none&cut=100000&times=1", "truncated done / 0 0") { IsUnprovable = true },

        // Wrong answers to a range.
        new("200 with Content-Range", "partial=ok200", "done / 0", "done / r"),
        new("206 elsewhere", "partial=start&times=1", "done / 0", "done / r r"),
        new("206 elsewhere always", "partial=start", "done / 0", "done / r r 0"),
        new("206 of another total", "partial=total", "done / 0", "done / r r 0"),
        new("206 of no total", "partial=star", "done / 0", "done / r r 0"),
        new("206 in another unit", "partial=unit", "done / 0", "done / r r 0"),
        new("206 in many parts", "partial=multipart", "done / 0", "done / r r 0"),
        new("206 without the tag", "partial=noetag", "done / 0", "done / r r 0"),
        new("206 of another tag", "partial=etag", "done / 0", "done / r 0"),
        new("206 without Content-Range", "partial=bare", "done / 0", "done / r r 0"),
        new("206 with a senseless Content-Range", "partial=junk", "done / 0", "done / r r 0"),
        new("206 of less than asked", "partial=short&times=1", "done / 0", "done / r r"),
        new("206 unasked", "unasked=1&times=1", "done / 0 0", "done / r"),
        new("206 unasked twice", "unasked=1&times=2", "protocolError done / 0 0 0", "done / r"),
        new("416 for a range that exists", "partial=416", "done / 0", "done / r 0"),
        new("416 of another total", "partial=416&total416=5", "done / 0", "done / r 0"),
        new("Gzip despite identity", "encoding=gzip&cut=100000&times=1", "truncated done / 0 0", "done / r r"),

        // Sizes.
        new("Nothing", "", "done / 0") { Length = 0, Lead = 0 },
        new("One byte", "", "done / 0") { Length = 1, Lead = 0 },
        new("Two bytes cut", "cut=1&times=1", "truncated done / 0 r") { Length = 3, Lead = 1 },
        new("Endless in chunks", "endless=1&framing=chunked", "tooLarge / 0", "done / r") { MaxBytes = 1_000_000 },
        new("Endless by its length", "endless=1", "tooLarge / 0", "tooLarge / r r 0") { MaxBytes = 1_000_000 },
        new("200 KB of headers", "headers=200000", "headersTooLarge / 0"),

        // Time.
        new("Silent mid-body", "stall=100000&times=1", "idleTimeout done / 0 r") { IsSilence = true },
        new("Silent before the head", "hang=1&times=1", "idleTimeout done / 0 r") { IsSilence = true },
        new("Byte by byte", "drip=50", "done / 0") { Length = 40, Lead = 20, IsSilence = true },

        // Redirects.
        new("Redirect loop", "redirect=self", "tooManyRedirects / 0 x20"),
        new("Redirect to a private address", "redirect=http%3A%2F%2F10.1.2.3%2Fx", "addressRefused / 0"),
        new("Redirect to metadata", "redirect=http%3A%2F%2F169.254.169.254%2Flatest", "addressRefused / 0"),
        new("Redirect to a file", "redirect=file%3A%2F%2F%2Fetc%2Fpasswd", "badRedirect / 0"),
        new("Redirect to nowhere", "status=302&location=", "badRedirect / 0"),
        new("Redirect without a target", "status=302", "badRedirect / 0"),
        new("Redirect from https to http", "redirect=http%3A%2F%2F127.0.0.1%2Fx", "insecureRedirect / 0") { Face = TlsFace.Good },

        // Statuses.
        new("401 Basic", "auth=basic", "credential / 0"),
        new("401 Digest", "auth=digest", "credential / 0"),
        new("401 Bearer", "auth=bearer", "credential / 0"),
        new("407", "auth=proxy", "credential / 0"),
        new("403", "status=403", "httpStatus / 0"),
        new("404", "status=404", "httpStatus / 0"),
        new("410", "status=410", "httpStatus / 0"),
        new("429 for a second", "status=429&retry-after=1&times=1", "httpStatus done / 0 r") { RetryAfter = TimeSpan.FromSeconds(1) },
        new("503 until a date", "status=503&retry-after=date:3&times=1", "httpStatus done / 0 r") { RetryAfter = TimeSpan.FromSeconds(1) },
        new("503 for minus five", "status=503&retry-after=-5&times=1", "httpStatus done / 0 r"),
        new("503 for nonsense", "status=503&retry-after=soon&times=1", "httpStatus done / 0 r"),
        new("503 until yesterday", "status=503&retry-after=date:-86400&times=1", "httpStatus done / 0 r"),
        new("408", "status=408&times=1", "httpStatus done / 0 r"),
        new("425", "status=425&times=1", "httpStatus done / 0 r"),
        new("429", "status=429&times=1", "httpStatus done / 0 r"),
        new("500", "status=500&times=1", "httpStatus done / 0 r"),
        new("502", "status=502&times=1", "httpStatus done / 0 r"),
        new("504", "status=504&times=1", "httpStatus done / 0 r"),

        // TLS.
        new("TLS", "", "done / 0") { Face = TlsFace.Http1 },
        new("TLS closed mid-body", "cut=100000&times=1", "truncated done / 0 r") { Face = TlsFace.Http1 },
        new("Certificate expired", "", "tlsFailed /") { Face = TlsFace.Expired },
        new("Certificate of somebody else", "", "tlsFailed /") { Face = TlsFace.Foreign },
        new("Certificate signed by itself", "", "tlsFailed /") { Face = TlsFace.SelfSigned },
        new("Handshake stalled", "", "connectFailed done / 0") { Face = TlsFace.Stalled, FaceTimes = 1 },
        new("Handshake broken", "", "tlsFailed done / 0") { Face = TlsFace.Broken, FaceTimes = 1 },

        // HTTP/2.
        new("HTTP 2", "", "done / 0") { Face = TlsFace.Good },
        new("HTTP 2 closed mid-body", "cut=100000&times=1", "truncated|connectionLost done / 0 r") { Face = TlsFace.Good },
        new("HTTP 2 stream reset mid-body", "reset=100000&times=1", "protocolError done / 0 r") { Face = TlsFace.Good },
        new("HTTP 2 stream cancelled mid-body", "reset=100000&code=8&times=1", "protocolError done / 0 r") { Face = TlsFace.Good },
        new("HTTP 2 stream refused", "refused=1&times=1", "done / 0 0", "done / r r") { Face = TlsFace.Good },
        new("HTTP 2 goes away mid-body", "goaway=100000&times=1", "done / 0") { Face = TlsFace.Good },
        new("HTTP 2 goes away without the stream", "goaway=refuse&times=1", "done / 0 0", "done / r r") { Face = TlsFace.Good },
        new("HTTP 2 silent mid-body", "stall=100000&times=1", "idleTimeout done / 0 r") { Face = TlsFace.Good, IsSilence = true },
        new("HTTP 2 with 200 KB of headers", "headers=200000&times=1", "protocolError done / 0 r") { Face = TlsFace.Good }, // whose stream it was is not known

        // The part, while nobody held it.
        new("Part deleted", "", "done / 0", "done / 0") { Sabotage = Sabotage.Deleted },
        new("Part shortened", "", "done / 0", "done / 0") { Sabotage = Sabotage.Shortened },
    ];
}
