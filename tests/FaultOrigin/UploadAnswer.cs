using System.Globalization;
using System.Security.Cryptography;

namespace Backhaul.FaultOrigin;

/// <summary>Answers <c>/upload/…</c>: takes a body and journals its length and digest, or misbehaves on the way.</summary>
internal sealed class UploadAnswer(OriginConnection connection, OriginRequest request, OriginScript script)
{
    /// <summary>False closes the connection.</summary>
    public async Task<bool> RunAsync(CancellationToken stop)
    {
        var length = OriginConnection.Length(request) ?? 0;
        var expects = request.Headers.TryGetValue("Expect", out var expect) && expect.Equals("100-continue", StringComparison.OrdinalIgnoreCase);
        if (script.FaultNumber("early") is { } early)
        {
            await AnswerAsync((int)early, stop, "Connection: close\r\n");
            return false;
        }
        if (expects)
        {
            switch (script.Fault("continue"))
            {
                case "417":
                    await AnswerAsync(417, stop, "Connection: close\r\n");
                    return false;
                case "no":
                    break;
                default:
                    await connection.SendAsync("HTTP/1.1 100 Continue\r\n\r\n", stop);
                    break;
            }
        }
        var end = script.Fault("lose") is { } lose and not "end" ? Math.Min(length, long.Parse(lose, CultureInfo.InvariantCulture)) : length;
        if (!await ReceiveAsync(end, length, stop))
            return false;
        if (script.Fault("lose") is not null)
            return false;
        if (script.Fault("hang") is not null)
        {
            await connection.HangAsync(stop);
            return false;
        }
        if (script.Fault("redirect") is { } target)
        {
            await AnswerAsync((int)(script.FaultNumber("status") ?? 307), stop, $"Location: {target}\r\n");
            return true;
        }
        var extra = script.Fault("retry-after") is { } retryAfter ? $"Retry-After: {retryAfter}\r\n" : "";
        return await EndAsync((int)(script.FaultNumber("status") ?? 201), script.Fault("answer"), extra, stop);
    }

    private async ValueTask<bool> ReceiveAsync(long end, long length, CancellationToken stop)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[64 * 1024];
        while (request.BytesReceived < end)
        {
            var count = await connection.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, end - request.BytesReceived)), stop);
            if (count == 0)
                return false;
            hash.AppendData(buffer, 0, count);
            request.BytesReceived += count;
            if (script.FaultNumber("rate") is not null)
                await Task.Delay(TimeSpan.FromMilliseconds(20), stop);
        }
        if (end == length)
            request.BodySha256 = Convert.ToHexStringLower(hash.GetHashAndReset());
        return true;
    }

    private async ValueTask<bool> EndAsync(int status, string? answer, string headers, CancellationToken stop)
    {
        var chunked = answer?.StartsWith("chunked:", StringComparison.Ordinal) == true;
        var body = answer switch
        {
            null => "body"u8.ToArray(),
            "none" => [],
            "half" => OriginContent.Bytes("answer", 0, 1000),
            _ => OriginContent.Bytes("answer", 0, int.Parse(answer[(chunked ? "chunked:".Length : 0)..], CultureInfo.InvariantCulture)),
        };
        request.Status = status;
        if (status is 204)
            headers += "Connection: close\r\n"; // it has no body by the protocol: one that is sent all the same would be read as the next answer
        await connection.SendAsync(
            chunked ? string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} Status\r\n{headers}Transfer-Encoding: chunked\r\n\r\n{body.Length:x}\r\n")
            : string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} Status\r\n{headers}Content-Length: {body.Length}\r\n\r\n"), stop);
        await connection.SendAsync(body.AsMemory(0, answer == "half" ? 500 : body.Length), stop);
        if (chunked)
            await connection.SendAsync("\r\n0\r\n\r\n", stop);
        return answer != "half" && status is not 204;
    }

    private async ValueTask AnswerAsync(int status, CancellationToken stop, string headers = "")
    {
        request.Status = status;
        await connection.SendAsync(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} Status\r\n{headers}Content-Length: 4\r\n\r\nbody"), stop);
    }
}
