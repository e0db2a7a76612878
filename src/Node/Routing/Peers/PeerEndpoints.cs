namespace Backhaul.Node.Routing.Peers;

/// <summary>
/// The commands that other nodes bring. Each is executed here once, or told why not; it is never sent on.
/// </summary>
internal sealed class PeerEndpoints(IncomingCommands commands, PeerAdmission admission, PeerOptions options, ILogger<PeerEndpoints> log)
{
    public async Task ExecuteAsync(HttpContext context)
    {
        var gone = context.RequestAborted;
        try
        {
            if (await ReadAsync(context.Request, gone) is not { } body)
            {
                await WriteAsync(context, PeerCodec.Refusal(413, $"The command is larger than {options.CommandBytesMax} bytes."), gone);
                return;
            }
            if (admission.Admit(context.Request, body, out var deadline) is { } refusal)
            {
                await WriteAsync(context, refusal, gone);
                return;
            }
            if (PeerCodec.Decode(body, out var fault) is not { } command)
            {
                log.PeerCommandUnreadable(fault);
                await WriteAsync(context, PeerCodec.Refusal(400, fault), gone);
                return;
            }
            await WriteAsync(context, PeerCodec.Encode(await commands.ExecuteAsync(command, deadline, gone)), gone);
        }
        catch (Exception left) when (left is OperationCanceledException or IOException && gone.IsCancellationRequested)
        {
            log.PeerLeft(context.Request.Path);
        }
    }

    /// <summary>Null when it is larger than a command may be.</summary>
    private async ValueTask<byte[]?> ReadAsync(HttpRequest request, CancellationToken stop)
    {
        try
        {
            using var into = new MemoryStream((int)Math.Min(request.ContentLength ?? 0, options.CommandBytesMax));
            await request.Body.CopyToAsync(into, stop);
            return into.ToArray();
        }
        catch (BadHttpRequestException large) when (large.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return null;
        }
    }

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
