using System.Security.Cryptography;
using System.Text;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// A URL that is prefetched, with its query sealed like that of any task, and the name of its file, which follows from the URL in clear: so whoever knows the URL
/// knows the name, whatever key it is sealed with. Made where URLs are still clear. Persisted.
/// </summary>
/// <param name="Url">Sealed, once it has left the edge; of an entry of a list with a fault, which one it is, and nothing of its text.</param>
/// <param name="Name">The 64 hexadecimal digits of the SHA-256 of the URL in clear.</param>
internal sealed record PrefetchUrl(string Url, string Name)
{
    /// <summary>Of a text in a list: what is wrong with it.</summary>
    public TaskError? Fault { get; init; }

    public static PrefetchUrl Of(string clear) => new(clear, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(clear))));
}
