using Backhaul.Node.Files;

namespace Backhaul.Node.Transfers.Uploads;

/// <summary>
/// What a target answers to a whole upload: kept as the task's file, until its end is acknowledged. It comes after the deed: whatever becomes of it, the upload
/// has succeeded, and a sentence says why there is none.
/// </summary>
internal static class UploadAnswer
{
    /// <param name="run">The upload.</param>
    /// <param name="head">Whose body is read on.</param>
    /// <param name="response">What is told of it.</param>
    /// <param name="sent">Bytes that went out.</param>
    /// <param name="begun">What was read of the body before.</param>
    public static async ValueTask<AttemptOutcome.Finished> FinishAsync(
        UploadRun run, OutboundAnswer.Head head, AttemptResponse response, long sent, ReadOnlyMemory<byte> begun = default)
    {
        var finished = new AttemptOutcome.Finished(response, 0, sent, null, Verified: true, null);
        var (answer, why) = await ReadAsync(run, head, begun);
        if (answer.IsEmpty || why is not null)
            return finished with { Unkept = why };
        try
        {
            var order = run.Order;
            var owner = new PartOwner(order.Epoch, 0, () => order.Trust.MayAct);
            var file = await run.Services.Parts.PublishWholeAsync(order.Files, owner, answer, sha256: null, run.Services.Options.FlushOnComplete, CancellationToken.None);
            return finished with { BytesReceived = answer.Length, File = file };
        }
        catch (StorageException refused)
        {
            return finished with { BytesReceived = answer.Length, Unkept = $"The target's answer of {answer.Length} bytes could not be stored: {refused.Message}" };
        }
        catch (OwnershipLostException)
        {
            return finished with { BytesReceived = answer.Length, Unkept = "This node lost the session while it stored the target's answer." };
        }
    }

    /// <summary>All of it, or the reason why it is not kept; the time of one silence is all it has.</summary>
    private static async ValueTask<(ReadOnlyMemory<byte> Answer, string? Why)> ReadAsync(UploadRun run, OutboundAnswer.Head head, ReadOnlyMemory<byte> begun)
    {
        var most = run.Services.Options.UploadAnswerBytesMax;
        var length = head.Response.BodyLength(run.Order.Method);
        if (most == 0 || length > most)
        {
            await run.Services.Sender.DiscardBodyAsync(head.Message, run.Watch);
            return (default, most == 0 || length == 0 ? null : TooLong($"{length} bytes", most));
        }
        using var kept = new MemoryStream();
        kept.Write(begun.Span);
        var buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(8 * 1024);
        run.Watch.Wait();
        try
        {
            var body = await head.Message.Content.ReadAsStreamAsync(run.Watch.Token);
            while (await body.ReadAsync(buffer, run.Watch.Token) is > 0 and var count)
            {
                if (kept.Length + count > most)
                    return (default, TooLong("no length and too many bytes", most));
                kept.Write(buffer, 0, count);
            }
        }
        catch (Exception broken) when (NetworkFailures.IsNetwork(broken))
        {
            return (default, "The target's answer broke off, or did not come to its end in time, after a status that says all is well.");
        }
        finally
        {
            run.Watch.Rest();
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        }
        return (kept.GetBuffer().AsMemory(0, (int)kept.Length), null);
    }

    private static string TooLong(string has, int most) => $"The target's answer has {has}, and {nameof(TransferOptions.UploadAnswerBytesMax)} is {most}.";
}
