using System.Buffers;
using Backhaul.Node.Sessions;

namespace Backhaul.Node.Routing.Peers;

/// <summary>
/// The commands that other nodes bring. Each is executed here once, or told why not; it is never sent on.
/// </summary>
internal sealed class PeerEndpoints(IncomingCommands commands, PeerAdmission admission, PeerOptions options, ILogger<PeerEndpoints> log)
{
    private const int PartBytes = 16 * 1024;

    private static readonly PeerFrame TooManyAtOnce = PeerCodec.Encode(new PeerAnswer.Replied(new CommandReply.Unavailable(
        UnavailableReason.Full, TimeSpan.FromSeconds(1), "The node that owns the session reads as many requests of other nodes as it takes. Send the same request again later.")));

    private long _unadmitted;

    public async Task ExecuteAsync(HttpContext context)
    {
        var gone = context.RequestAborted;
        try
        {
            await WriteAsync(context, await AnswerAsync(context.Request, gone), gone);
        }
        catch (Exception left) when (left is OperationCanceledException or IOException && gone.IsCancellationRequested)
        {
            log.PeerLeft(context.Request.Path);
        }
    }

    private async ValueTask<PeerFrame> AnswerAsync(HttpRequest request, CancellationToken gone)
    {
        if (admission.Look(request) is { } wrong)
            return wrong;
        PeerCommand? command;
        TimeSpan deadline;
        using (var body = new MemoryStream())
        {
            // nobody knows yet who sends this: memory grows with what has come, and all of these together have a limit
            try
            {
                if (await ReadAsync(request, body, gone) is { } notRead)
                    return notRead;
                var bytes = body.GetBuffer().AsMemory(0, (int)body.Length);
                if (admission.Admit(request, bytes, out deadline) is { } refusal)
                    return refusal;
                command = PeerCodec.Decode(bytes, out var fault);
                if (command is null)
                {
                    log.PeerCommandUnreadable(fault);
                    return PeerCodec.Refusal(400, fault);
                }
            }
            finally
            {
                Interlocked.Add(ref _unadmitted, -body.Length);
            }
        }
        return PeerCodec.Encode(await commands.ExecuteAsync(command, deadline, gone));
    }

    /// <summary>Null when it is there. What <paramref name="into"/> holds is counted, and the caller takes it off again.</summary>
    private async ValueTask<PeerFrame?> ReadAsync(HttpRequest request, MemoryStream into, CancellationToken stop)
    {
        var part = ArrayPool<byte>.Shared.Rent(PartBytes);
        try
        {
            while (await request.Body.ReadAsync(part, stop) is var read and > 0)
            {
                into.Write(part, 0, read);
                if (Interlocked.Add(ref _unadmitted, read) > options.UnadmittedBytesMax)
                    return TooManyAtOnce;
                if (into.Length > options.CommandBytesMax)
                    return TooLarge();
            }
            return null;
        }
        catch (BadHttpRequestException large) when (large.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return TooLarge();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(part);
        }
    }

    private PeerFrame TooLarge() => PeerCodec.Refusal(413, $"The command is larger than {options.CommandBytesMax} bytes.");

    internal static async Task WriteAsync(HttpContext context, PeerFrame frame, CancellationToken stop)
    {
        var response = context.Response;
        response.StatusCode = frame.Status;
        response.ContentType = "application/json";
        response.ContentLength = frame.Body.Length;
        response.Headers[PeerHeaders.Answer] = frame.Answer;
        await response.Body.WriteAsync(frame.Body, stop);
    }
}
