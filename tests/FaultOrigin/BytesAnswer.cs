using System.Globalization;

namespace Backhaul.FaultOrigin;

/// <summary>Answers <c>/bytes/{seed}/{length}</c>: decides the head by the script, and sends the body or breaks it.</summary>
internal sealed class BytesAnswer(IAnswerWire wire, OriginRequest request, OriginScript script)
{
    private const int PieceBytes = 256 * 1024;
    private const int RefusedStream = 7;
    private const int InternalError = 2;

    public async Task RunAsync(CancellationToken stop)
    {
        if (script.FaultNumber("delay") is { } delayMs)
            await Task.Delay(TimeSpan.FromMilliseconds(delayMs), stop);
        if (await IsRefusedAsync(stop))
            return;
        if (script.Fault("hang") is not null)
        {
            await wire.HangAsync(stop);
            return;
        }
        var (head, body) = new BytesHead(request, script).Compose();
        request.Status = head.Status;
        await wire.SendHeadAsync(head, stop);
        if (request.Method == "HEAD")
            await wire.EndAsync(stop);
        else
            await SendBodyAsync(body, stop);
        if (script.Fault("idle") == "close")
            wire.Close();
    }

    /// <summary>Without any answer.</summary>
    private async ValueTask<bool> IsRefusedAsync(CancellationToken stop)
    {
        if (script.Fault("reuse") == "drop" && request.NthOnConnection > 1)
        {
            wire.Close();
            return true;
        }
        switch (script.Fault("drop"))
        {
            case null:
                break;
            case "reset":
                await wire.ResetAsync(InternalError, stop);
                return true;
            case "half":
                await wire.SendRawAsync("HTTP/1.1 200 Status\r\nContent-Length: 12"u8.ToArray(), stop);
                return true;
            case "junk":
                await wire.SendRawAsync("\0\u0001 this is not HTTP\r\n\r\n"u8.ToArray(), stop);
                return true;
            default:
                wire.Close();
                return true;
        }
        if (script.Fault("refused") is not null)
        {
            await wire.ResetAsync(RefusedStream, stop);
            return true;
        }
        if (script.Fault("goaway") == "refuse")
        {
            await wire.GoAwayAsync(refuses: true, stop);
            return true;
        }
        return false;
    }

    private async ValueTask SendBodyAsync(BytesBody body, CancellationToken stop)
    {
        var breaks = script.Break;
        var end = Math.Min(body.Count, breaks?.At ?? long.MaxValue);
        var rate = script.FaultNumber("rate");
        var drip = script.FaultNumber("drip");
        var goAwayAt = script.Fault("goaway") is { } at and not "refuse" ? long.Parse(at, CultureInfo.InvariantCulture) : (long?)null;
        var piece = new byte[drip is not null ? 1 : rate is { } perSecond ? (int)Math.Clamp(perSecond / 50, 1, PieceBytes) : PieceBytes];
        if (script.Fault("framing") == "badchunk")
        {
            await wire.SendRawAsync("zz\r\n"u8.ToArray(), stop);
            return;
        }
        for (long sent = 0; sent < end;)
        {
            if (sent >= goAwayAt)
            {
                await wire.GoAwayAsync(refuses: false, stop);
                goAwayAt = null;
            }
            var count = (int)Math.Min(piece.Length, end - sent);
            OriginContent.Fill(piece.AsSpan(0, count), body.Seed, body.From + sent);
            await wire.SendBodyAsync(piece.AsMemory(0, count), stop);
            request.Sent(count);
            sent += count;
            if (drip is { } dripMs)
                await Task.Delay(TimeSpan.FromMilliseconds(dripMs), stop);
            else if (rate is not null)
                await Task.Delay(TimeSpan.FromMilliseconds(20), stop);
        }
        if (breaks is { } broken && end < body.Count)
        {
            await BreakAsync(broken.Kind, stop);
            return;
        }
        if (script.Fault("unended") is not null)
        {
            wire.Close();
            return;
        }
        await wire.EndAsync(stop);
        if (script.FaultNumber("extra") is { } extra)
            await wire.SendRawAsync(new byte[extra], stop);
    }

    private async ValueTask BreakAsync(string kind, CancellationToken stop)
    {
        switch (kind)
        {
            case "stall":
                await wire.HangAsync(stop);
                break;
            case "reset":
                await wire.ResetAsync((int)(script.FaultNumber("code") ?? InternalError), stop);
                break;
            default:
                wire.Close();
                break;
        }
    }
}
