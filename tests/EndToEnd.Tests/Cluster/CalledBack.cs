namespace Backhaul.EndToEnd.Tests.Cluster;

/// <summary>What a session needs that somebody is called for.</summary>
internal static class CalledBack
{
    public static (string, string)[] Settings { get; } =
        [("Backhaul:Security:SecretKeys:0", Convert.ToBase64String([.. Enumerable.Range(1, 32).Select(n => (byte)n)]))];

    public static string Target(string kind, HookReceiver receiver) => $$$"""{"{{{kind}}}":{"url":"{{{receiver.Url}}}","secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}""";
}
