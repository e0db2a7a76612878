namespace Backhaul.Node.Files.S3;

/// <summary>
/// A move within a store: a copy that the store makes by itself, then the removal of the source. It is no rename: between the two both names show the file, and a
/// node that dies there leaves both; moving again finishes it. Objects over 5 GiB are copied in parts of 1 GiB.
/// <para>
/// Copied and removed is the one version that was found: a source that is replaced before the copy is refused, and one that is replaced after it stays, as
/// if it had come after the move.
/// </para>
/// </summary>
internal static class S3Copy
{
    private const long AtOnceBytesMax = 5L << 30;
    private const long PartBytes = 1L << 30;

    /// <summary>The target's ETag.</summary>
    public static async ValueTask<string> MoveAsync(S3Container source, string from, S3Found found, S3Container target, string to, CancellationToken stop)
    {
        if (found.Length <= AtOnceBytesMax)
        {
            using var reply = await target.Client.CopyAsync(to, source.Client.CopySource(from), found.ETag, stop);
            Check(target, reply);
        }
        else
        {
            await CopyPartsAsync(source, from, found, target, to, stop);
        }
        var etag = (await target.FindAsync(to, "look at a moved file", stop))?.ETag;
        await source.DeleteAsync(from, found.ETag, stop);
        return etag ?? found.ETag;
    }

    private static async ValueTask CopyPartsAsync(S3Container source, string from, S3Found found, S3Container target, string to, CancellationToken stop)
    {
        var plan = PartPlan.For(found.Length, PartBytes);
        var (begun, id) = await target.Client.CreateUploadAsync(to, found.Birth, [], stop);
        using (begun)
            Check(target, begun);
        var isFinished = false;
        try
        {
            var parts = new List<S3Part>();
            for (var number = 1; number <= plan.CountFor(found.Length); number++)
            {
                var range = plan.RangeOf(number).Intersect(new ByteRange(0, found.Length));
                using var copied = await target.Client.CopyPartAsync(to, id!, number, source.Client.CopySource(from), found.ETag, range, stop);
                Check(target, copied);
                parts.Add(new S3Part(number, S3Xml.Value(copied.Text, "CopyPartResult/ETag")?.Trim('"') ?? "", range.Length));
            }
            using var end = await target.Client.CompleteUploadAsync(to, id!, parts, stop);
            Check(target, end);
            isFinished = true;
        }
        finally
        {
            if (!isFinished)
                (await target.Client.AbortUploadAsync(to, id!, CancellationToken.None)).Dispose();
        }
    }

    private static void Check(S3Container target, S3Reply reply)
    {
        if (reply.IsConditionFailed)
            throw new FileConditionException();
        target.Check(reply, "copy a file");
    }
}
