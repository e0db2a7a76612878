using System.Globalization;

namespace Backhaul.FaultOrigin.Uploads;

/// <summary>One misbehaviour of a target: a word and, for some, a value.</summary>
public sealed record UploadFault(string Word, string? Value)
{
    public long Number => long.Parse(Value!, CultureInfo.InvariantCulture);

    /// <summary>A bare status is its own word.</summary>
    public int? Status => int.TryParse(Word, NumberStyles.None, CultureInfo.InvariantCulture, out var status) ? status : null;
}

/// <summary>
/// What a query says about the verbs of an upload: <c>verb=NTH:WORD[:VALUE],…</c>, where NTH is a number, or <c>*</c> for every time. The verbs are
/// <c>create head patch delete options</c>; the words are listed at <see cref="Words"/>.
/// </summary>
public sealed class UploadFaults
{
    /// <summary>The words of a query, for people.</summary>
    public const string Words =
        """
        Resumable uploads: /tus/NAME and /resumable/NAME
          create|head|patch|delete|options=NTH:WORD[:VALUE],…     NTH: a number, or * for every time
            STATUS            that answer instead, the body is read and dropped       early:STATUS   before the body, then close
            lose:end|N        N bytes of the body are taken, then close without an answer
            behind:N          the body is taken, N bytes of it are lost, then close   partial:N      only N bytes are taken, and confirmed
            offset:N          says that it has N bytes                                nooffset:1     does not say how many
            gone:404|410      the upload is forgotten                                 hang:1         no answer ever
            final:STATUS      draft: the answer of what the upload was for            nocomplete:1   draft: without Upload-Complete
            location:TEXT     where the upload is said to be
          checksum=sha1,sha256  termination=no  extensions=no       of tus        maxbody=N   413 for larger requests
          version=8|7|6|5|3   the only one that is understood       limits=TEXT   of Upload-Limit        announce=no   OPTIONS says nothing
        """;

    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    internal static UploadFaults Parse(string query)
    {
        var faults = new UploadFaults();
        foreach (var pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=');
            faults._values[Uri.UnescapeDataString(equals < 0 ? pair : pair[..equals])] = equals < 0 ? "1" : Uri.UnescapeDataString(pair[(equals + 1)..]);
        }
        return faults;
    }

    internal string? Of(string name) => _values.GetValueOrDefault(name);

    /// <summary>What this request suffers; null answers it well.</summary>
    internal UploadFault? Find(string verb, int nth)
    {
        foreach (var entry in (Of(verb) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var words = entry.Split(':', 3);
            if (words[0] == "*" || int.Parse(words[0], CultureInfo.InvariantCulture) == nth)
                return new UploadFault(words[1], words.Length > 2 ? words[2] : null);
        }
        return null;
    }
}
