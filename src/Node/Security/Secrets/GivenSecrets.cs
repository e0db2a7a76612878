using System.Text.Json;
using Backhaul.Protocol;

namespace Backhaul.Node.Security;

/// <summary>Credentials that clients give with an answer to a challenge: sealed by the edge, opened where a connection is, in clear nowhere between.</summary>
internal static class GivenSecrets
{
    /// <summary>How sentences call a secret without a name.</summary>
    public const string Name = "(given with an answer to a challenge)";

    public static string Seal(SecretBox box, SessionKey session, GivenCredential credential) =>
        box.Seal(JsonSerializer.Serialize(credential, ProtocolJson.Default.GivenCredential), OwnerOf(session));

    /// <summary>Null when this node has not the key that it was sealed with.</summary>
    public static Secret? Open(SecretBox box, SessionKey session, string text)
    {
        if (box.Open(text, OwnerOf(session)) is not { } clear)
            return null;
        return JsonSerializer.Deserialize(clear, ProtocolJson.Default.GivenCredential) switch
        {
            { Token: { } token } => new Secret.Bearer(Name, token),
            { UserName: { } user, Password: { } password } => new Secret.Basic(Name, user, password),
            _ => null,
        };
    }

    private static string OwnerOf(SessionKey session) => $"challenge/{session}";
}
