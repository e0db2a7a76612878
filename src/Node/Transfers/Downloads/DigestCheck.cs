using Backhaul.Node.Files;

namespace Backhaul.Node.Transfers.Downloads;

/// <summary>
/// Whether a file that is there whole is the one that was meant: by the digest the task demands, and by the one its origin promised. Both are computed
/// while the bytes come in where that was known in time; what was not is read back from the part.
/// </summary>
internal sealed class DigestCheck(AttemptOrder order, TransferServices services, PromisedDigest? promised)
{
    /// <summary>What to compute while bytes come in.</summary>
    public static IReadOnlyList<DigestAlgorithm> Wanted(AttemptOrder order, TransferOptions options, PromisedDigest? promised)
    {
        List<DigestAlgorithm> wanted = [];
        if (order.Sha256 is not null || options.ComputeDigest)
            wanted.Add(DigestAlgorithm.Sha256);
        if (promised is not null)
            wanted.Add(promised.Algorithm);
        return wanted;
    }

    /// <summary>True when some digest proved the file, beyond its length.</summary>
    public bool Proves => order.Sha256 is not null || promised is not null;

    /// <summary>The file's SHA-256 when it was computed, or why it is not the right file.</summary>
    public async ValueTask<(string? Sha256, AttemptOutcome.Failed? Refused)> CheckAsync(PartDigest? running, IPartFile part, long length, bool resumed, CancellationToken stop)
    {
        byte[]? sha256 = null;
        if (running is not null)
        {
            await CatchUpAsync(running, part, length, stop);
            sha256 = running.Finish(DigestAlgorithm.Sha256);
        }
        var text = sha256 is null ? null : Convert.ToHexStringLower(sha256);
        if (order.Sha256 is not null && text != order.Sha256)
            return (null, DownloadFailures.DigestMismatch(text!, length, retryable: resumed));
        if (promised is null)
            return (text, null);
        var value = promised.Algorithm == DigestAlgorithm.Sha256 ? sha256 : running?.Finish(promised.Algorithm);
        if (value is null)
        {
            using var late = new PartDigest(services.Work, promised.Algorithm);
            await CatchUpAsync(late, part, length, stop);
            value = late.Finish(promised.Algorithm)!;
        }
        return value.AsSpan().SequenceEqual(promised.Value) ? (text, null) : (null, DownloadFailures.PromiseBroken(promised, length));
    }

    /// <summary>As above, for a body that lies in memory.</summary>
    public (string? Sha256, AttemptOutcome.Failed? Refused) Check(ReadOnlySpan<byte> body)
    {
        var text = order.Sha256 is not null || services.Options.ComputeDigest ? Convert.ToHexStringLower(RunningDigest.Of(DigestAlgorithm.Sha256, body)) : null;
        if (order.Sha256 is not null && text != order.Sha256)
            return (null, DownloadFailures.DigestMismatch(text!, body.Length, retryable: false));
        return promised is null || RunningDigest.Of(promised.Algorithm, body).AsSpan().SequenceEqual(promised.Value)
            ? (text, null)
            : (null, DownloadFailures.PromiseBroken(promised, body.Length));
    }

    private async ValueTask CatchUpAsync(PartDigest digest, IPartFile part, long length, CancellationToken stop)
    {
        if (!await digest.CatchUpAsync(part, length, services.Options.ChunkBytes, stop))
            throw new StorageException(StorageFailure.Failed, "The part of a download is shorter than what was written to it.");
    }
}
