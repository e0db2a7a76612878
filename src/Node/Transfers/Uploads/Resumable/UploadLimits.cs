using System.Globalization;

namespace Backhaul.Node.Transfers.Uploads.Resumable;

/// <summary>What <c>Upload-Limit</c> of the draft says; null members are no limit. Pure.</summary>
internal sealed record UploadLimits
{
    public long? MaxSize { get; init; }
    public long? MinSize { get; init; }
    public long? MaxAppendSize { get; init; }
    public long? MinAppendSize { get; init; }
    public long? MaxAgeSeconds { get; init; }

    /// <summary>Null when there is none. A known member that is no integer makes the whole field void, as the draft says; unknown members are skipped.</summary>
    public static UploadLimits? Parse(string? value)
    {
        if (string.IsNullOrWhiteSpace(value) || value.Length > 1024)
            return null;
        var limits = new UploadLimits();
        foreach (var member in value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = member.IndexOf('=');
            var key = (equals < 0 ? member : member[..equals]).Trim();
            if (key is not ("max-size" or "min-size" or "max-append-size" or "min-append-size" or "max-age"))
                continue;
            var text = equals < 0 ? "" : member[(equals + 1)..].Split(';')[0].Trim();
            if (text.Length > 15 || !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                return null;
            limits = key switch
            {
                "max-size" => limits with { MaxSize = number },
                "min-size" => limits with { MinSize = number },
                "max-append-size" => limits with { MaxAppendSize = number },
                "min-append-size" => limits with { MinAppendSize = number },
                _ => limits with { MaxAgeSeconds = number },
            };
        }
        return limits;
    }
}
