using System.Text.RegularExpressions;

namespace Backhaul.Pbm;

/// <summary>
/// The tool's own words, taken out of the command line: where the node is, and the switches that go with every command. What is
/// left is a command of the node, which the tool does not understand.
/// </summary>
internal sealed partial record ToolArguments
{
    public static readonly Uri DefaultNode = new("http://127.0.0.1:9110");

    public Uri Node { get; init; } = DefaultNode;
    public IReadOnlyList<string> Words { get; init; } = [];
    public string? Key { get; init; }
    public bool Json { get; init; }
    public bool Yes { get; init; }
    public bool Help { get; init; }
    public bool Version { get; init; }

    /// <summary>What is wrong, as a sentence; null when nothing is.</summary>
    public string? Fault { get; init; }

    public static ToolArguments Parse(IReadOnlyList<string> args, string? keyOfEnvironment)
    {
        var result = new ToolArguments { Key = string.IsNullOrEmpty(keyOfEnvironment) ? null : keyOfEnvironment };
        var words = new List<string>();
        for (var i = 0; i < args.Count; i++)
        {
            var word = args[i];
            switch (word)
            {
                case "--":
                    words.AddRange(args.Skip(i));
                    i = args.Count;
                    break;
                case "--json":
                    result = result with { Json = true };
                    break;
                case "--yes":
                    result = result with { Yes = true };
                    break;
                case "--help" or "-h":
                    result = result with { Help = true };
                    break;
                case "--version" when words.Count == 0:
                    result = result with { Version = true };
                    break;
                case "--key":
                    if (++i == args.Count)
                        return result with { Fault = "--key needs the key after it; the variable BACKHAUL_KEY does the same and stays out of the process list." };
                    result = result with { Key = args[i] };
                    break;
                case var _ when word.StartsWith("--key=", StringComparison.Ordinal):
                    result = result with { Key = word["--key=".Length..] };
                    break;
                case var _ when words.Count == 0 && LooksLikeNode(word):
                    if (NodeFrom(word) is not { } node)
                        return result with { Fault = $"'{word}' is no address of a node. Write host:port, for instance 127.0.0.1:9110." };
                    result = result with { Node = node };
                    break;
                case var _ when words.Count == 0 && word.StartsWith('-'):
                    return result with { Fault = $"pbm has no switch {word}. Its own are --json, --yes, --key, --help and --version; those of a command come after the command." };
                default:
                    words.Add(word);
                    break;
            }
        }
        return result with { Words = words };
    }

    /// <summary>For the prompt and for messages, for instance <c>127.0.0.1:9110</c>.</summary>
    public string NodeName => Node.Scheme == Uri.UriSchemeHttp ? $"{Node.Host}:{Node.Port}" : $"{Node.Scheme}://{Node.Host}:{Node.Port}";

    /// <summary>No palette has a colon in its name: a misspelt address must not become a command to the node of the default address.</summary>
    private static bool LooksLikeNode(string word) => word.Contains(':', StringComparison.Ordinal);

    private static Uri? NodeFrom(string word)
    {
        if (!word.Contains("://", StringComparison.Ordinal) && !HostAndPort().IsMatch(word))
            return null;
        var text = word.Contains("://", StringComparison.Ordinal) ? word : $"http://{word}";
        return Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.PathAndQuery == "/" && uri.UserInfo.Length == 0
            ? uri
            : null;
    }

    [GeneratedRegex(@"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):\d{1,5}$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex HostAndPort();
}
