using System.Globalization;
using System.Security.Cryptography;

namespace Backhaul.FaultOrigin.Uploads;

/// <summary>
/// A target that keeps uploads: tus 1.0.0 under <c>/tus/</c>, the resumable-upload draft under <c>/resumable/</c>. What arrives of a broken request is
/// kept, as good servers do. Misbehaviour is chosen by the query, which travels in each <c>Location</c>.
/// </summary>
internal sealed class UploadTargetAnswer(OriginConnection connection, UploadShelf shelf, OriginRequest request, ITargetSpeech speech)
{
    private readonly UploadFaults _faults = UploadFaults.Parse(request.Query);
    private readonly string[] _path = request.Path.Split('/', StringSplitOptions.RemoveEmptyEntries);
    private bool _goesOn = true;
    private int _turn;

    /// <summary>False closes the connection.</summary>
    public async Task<bool> RunAsync(CancellationToken stop)
    {
        var verb = request.Method switch
        {
            "POST" or "PUT" => "create",
            "HEAD" => "head",
            "PATCH" => "patch",
            "DELETE" => "delete",
            _ => "options",
        };
        var fault = _faults.Find(verb, shelf.Count($"{_path[0]}/{_path[1]}", request.Query, verb));
        if (fault is { Word: "early" })
        {
            await AnswerAsync((int)fault.Number, [("Connection", "close")], stop);
            return false;
        }
        if (fault is { Word: "hang" })
        {
            await connection.HangAsync(stop);
            return false;
        }
        if (request.Headers.TryGetValue("Expect", out var expect) && expect.Equals("100-continue", StringComparison.OrdinalIgnoreCase))
            await connection.SendAsync("HTTP/1.1 100 Continue\r\n\r\n", stop);
        if (verb == "options")
            await AnswerAsync(204, _faults.Of("announce") == "no" ? [] : speech.Abilities(_faults), stop);
        else if (verb == "create")
            await CreateAsync(fault, stop);
        else if (_path.Length > 2 && shelf.Find(_path[2]) is { } upload)
            await HandleAsync(verb, upload, fault, stop);
        else
            await RefuseAsync(404, stop);
        return _goesOn;
    }

    private async ValueTask CreateAsync(UploadFault? fault, CancellationToken stop)
    {
        if (!speech.Understands(request, _faults))
        {
            await RefuseAsync(speech.NotUnderstood, stop);
            return;
        }
        if (fault?.Status is { } status)
        {
            await RefuseAsync(status, stop);
            return;
        }
        var upload = shelf.Create(request.Path, speech.Length(request), request.Headers);
        upload.IsComplete = speech.IsTus && upload.Length == 0;
        if (fault is { Word: "lose" })
        {
            _goesOn = false;
            return;
        }
        var location = fault is { Word: "location" } ? fault.Value! : $"{request.Path}/{upload.Id}?{request.Query}";
        await AnswerAsync(201, [("Location", location), .. speech.Created(request, _faults)], stop);
    }

    private async ValueTask HandleAsync(string verb, TargetUpload upload, UploadFault? fault, CancellationToken stop)
    {
        _turn = upload.TakeOver();
        if (fault is { Word: "gone" })
        {
            upload.IsGone = true;
            await RefuseAsync((int)fault.Number, stop);
            return;
        }
        if (fault?.Status is { } status)
        {
            await RefuseAsync(status, stop);
            return;
        }
        switch (verb)
        {
            case "head":
                var claimed = fault is { Word: "offset" } ? fault.Number : upload.Offset;
                await AnswerAsync(speech.IsTus ? 200 : 204, speech.State(upload, fault is { Word: "nooffset" } ? null : claimed, _faults), stop);
                break;
            case "delete":
                upload.IsGone = upload.WasTerminated = true;
                await AnswerAsync(204, speech.Plain(), stop);
                break;
            default:
                await AppendAsync(upload, fault, stop);
                break;
        }
    }

    private async ValueTask AppendAsync(TargetUpload upload, UploadFault? fault, CancellationToken stop)
    {
        var length = OriginConnection.Length(request) ?? 0;
        var from = long.Parse(request.Headers.GetValueOrDefault("Upload-Offset", "-1"), CultureInfo.InvariantCulture);
        if (_faults.Of("maxbody") is { } most && length > long.Parse(most, CultureInfo.InvariantCulture))
        {
            await RefuseAsync(413, stop);
            return;
        }
        if (from != upload.Offset || upload.IsComplete)
        {
            await ReceiveAsync(length, null, 0, stop);
            var (headers, body) = speech.Mismatch(upload);
            await AnswerAsync(409, headers, stop, body);
            return;
        }
        var taken = fault is { Word: "lose" or "partial" } && fault.Value != "end" ? Math.Min(length, fault.Number) : length;
        var checksum = request.Headers.GetValueOrDefault("Upload-Checksum");
        if (fault is { Word: "lose" } && taken < length)
        {
            await ReceiveAsync(taken, upload, taken, stop);
            _goesOn = false;
            return;
        }
        if (!await ReceiveAsync(length, upload, taken, stop, checksum))
        {
            await AnswerAsync(460, speech.Plain(), stop);
            return;
        }
        var isLast = speech.IsLast(request, upload) && taken == length;
        if (fault is { Word: "behind" })
            upload.Lose(Math.Min(fault.Number, length));
        else
            upload.IsComplete |= isLast;
        if (fault is { Word: "lose" or "behind" })
        {
            _goesOn = false;
            return;
        }
        var appended = speech.Appended(upload, isLast, fault is { Word: "offset" } ? fault.Number : fault is { Word: "nooffset" } ? null : upload.Offset, fault is { Word: "nocomplete" });
        if (fault is { Word: "final" })
            await AnswerAsync((int)fault.Number, fault.Number < 400 ? appended : [.. appended, ("Content-Type", "application/problem+json")], stop, UploadShelf.FinalAnswer((int)fault.Number));
        else
            await AnswerAsync(204, appended, stop);
    }

    /// <summary>Reads the body and gives the first <paramref name="taken"/> bytes to the upload as they come. False: they do not have the digest that they should.</summary>
    private async ValueTask<bool> ReceiveAsync(long length, TargetUpload? into, long taken, CancellationToken stop, string? checksum = null)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var whole = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (request.BytesReceived < length)
        {
            var count = await connection.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, length - request.BytesReceived)), stop);
            if (count == 0)
                throw new IOException("The client left in the middle of its body.");
            hash.AppendData(buffer, 0, count);
            var kept = (int)Math.Clamp(taken - request.BytesReceived, 0, count);
            request.BytesReceived += count;
            if (checksum is not null)
                whole.Write(buffer, 0, kept);
            else
                into?.Append(buffer.AsSpan(0, kept), _turn);
            if (_faults.Of("pace") is { } pace)
                await Task.Delay(TimeSpan.FromMilliseconds(int.Parse(pace, CultureInfo.InvariantCulture)), stop);
        }
        request.BodySha256 = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (checksum is null || into is null)
            return true;
        if (!IsIntact(whole.ToArray(), checksum))
            return false;
        into.Append(whole.ToArray(), _turn);
        return true;
    }

    private static bool IsIntact(byte[] bytes, string checksum)
    {
        var words = checksum.Split(' ');
        var digest = CryptographicOperations.HashData(words[0] == "sha1" ? HashAlgorithmName.SHA1 : HashAlgorithmName.SHA256, bytes);
        return Convert.ToBase64String(digest) == words[1];
    }

    private async ValueTask RefuseAsync(int status, CancellationToken stop)
    {
        await ReceiveAsync(OriginConnection.Length(request) ?? 0, null, 0, stop);
        await AnswerAsync(status, speech.Plain(), stop);
    }

    private async ValueTask AnswerAsync(int status, IEnumerable<(string Name, string Value)> headers, CancellationToken stop, string body = "")
    {
        request.Status = status;
        var lines = string.Concat(headers.Select(header => $"{header.Name}: {header.Value}\r\n"));
        var framing = status == 204 ? "" : string.Create(CultureInfo.InvariantCulture, $"Content-Length: {body.Length}\r\n");
        await connection.SendAsync(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} Status\r\n{lines}{framing}\r\n{body}"), stop);
    }
}
