using System.Security.Cryptography;
using System.Text;

namespace Backhaul.Client.Tests.Launches;

/// <summary>Signs as Standard Webhooks says, written without the code under test.</summary>
internal static class Signed
{
    public const string Secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    public const string OtherSecret = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY=";

    public static string Launch(string session, long number) =>
        $$"""
        {"specversion":"1.0","id":"msg_1","source":"/sessions/{{session}}","type":"backhaul.launch","time":"2026-11-21T10:30:00Z","datacontenttype":"application/json",
        "data":{"session":"{{session}}","launch":{{number}},"reason":"tasksEnded","lastEvent":17} }
        """;

    public static string By(string secret, string id, string timestamp, string body) =>
        "v1," + Convert.ToBase64String(HMACSHA256.HashData(Convert.FromBase64String(secret["whsec_".Length..]), Encoding.UTF8.GetBytes($"{id}.{timestamp}.{body}")));
}
