using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Backhaul.Protocol;

namespace Backhaul.Node.Files;

/// <summary>
/// Names in the hidden folder. A task's stem <c>{hash}.g{generation}.{task}</c> names the folder of its parts and its temporary
/// result; the hash is that of the session's key, so that names stay short whatever clients choose, and the task's id stays readable.
/// </summary>
internal static class HiddenNames
{
    public const string Hidden = ".backhaul";
    public const string Parts = "parts";
    public const string Results = "results";
    public const string Kept = "kept";
    public const string Staging = "staging";

    private const int HashBytes = 12;

    public static string Stem(SessionKey session, int generation, TaskId task) =>
        string.Create(CultureInfo.InvariantCulture, $"{Hash(session)}.g{generation}.{task}");

    public static string Hash(SessionKey session)
    {
        Span<byte> text = stackalloc byte[256];
        Span<byte> hash = stackalloc byte[32];
        var length = Encoding.UTF8.GetBytes(session.ToString(), text);
        SHA256.HashData(text[..length], hash);
        return Convert.ToHexStringLower(hash[..HashBytes]);
    }

    /// <summary>False for a name that is not a stem.</summary>
    public static bool TryParseStem(string stem, out (string Hash, int Generation, TaskId Task) task)
    {
        task = default;
        var pieces = stem.Split('.', 3);
        if (pieces is not [{ Length: HashBytes * 2 } hash, ['g', .. var generation], var id]
            || !int.TryParse(generation, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || !TaskId.TryParse(id, out var parsed))
            return false;
        task = (hash, number, parsed);
        return true;
    }

    /// <summary>The folder of a tenant under a container's root. A tenant may be called .backhaul; its folder may not.</summary>
    public static string TenantFolder(TenantId tenant)
    {
        var text = tenant.ToString();
        return text[0] == '.' ? "%2E" + text[1..] : text;
    }
}

/// <summary>
/// The name of a part in its task's folder: <c>v{birth epoch}-{birth number}.e{epoch}.a{attempt}.part</c>. The birth names the bytes
/// (one origin version, one inode) and stays for life; epoch and attempt name the owner and change with every adoption.
/// </summary>
internal readonly record struct PartName(long BirthEpoch, int BirthNumber, long Epoch, int Attempt)
{
    public static bool TryParse(string text, out PartName name)
    {
        name = default;
        var pieces = text.Split('.');
        if (pieces is not [['v', .. var birth], ['e', .. var epoch], ['a', .. var attempt], "part"])
            return false;
        var dash = birth.IndexOf('-');
        if (dash < 0
            || !long.TryParse(birth.AsSpan(0, dash), NumberStyles.None, CultureInfo.InvariantCulture, out var birthEpoch)
            || !int.TryParse(birth.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var birthNumber)
            || !long.TryParse(epoch, NumberStyles.None, CultureInfo.InvariantCulture, out var owner)
            || !int.TryParse(attempt, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return false;
        name = new PartName(birthEpoch, birthNumber, owner, number);
        return true;
    }

    public bool IsSameBirth(PartName other) => BirthEpoch == other.BirthEpoch && BirthNumber == other.BirthNumber;

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"v{BirthEpoch}-{BirthNumber}.e{Epoch}.a{Attempt}.part");
}
