using Backhaul.Node.Egress;

namespace Backhaul.Node.Transfers.Uploads.Resumable;

/// <summary>
/// Where an upload lies, as its target said: the rules of a redirect hold for it, since it sends the file somewhere else. What it resolves to is
/// judged when a connection is opened, as for every request. Pure.
/// </summary>
internal static class UploadLocation
{
    public static (Uri? Location, AttemptFailure? Refused) Resolve(string? location, Uri createdAt, EgressOptions options)
    {
        if (location is null)
            return (null, null);
        if (location.Length > LengthMax)
            return (null, Refuse(TransferCodes.BadRedirect, createdAt, $"a Location of more than {LengthMax} characters"));
        return RedirectRules.Decide(createdAt, "PATCH", 307, location, 0, options) switch
        {
            RedirectStep.Follow follow => (follow.To, null),
            RedirectStep.Refused { Fault: RedirectFault.Insecure } => (null, Refuse(TransferCodes.InsecureRedirect, createdAt, "a Location without TLS, which would be readable on the way")),
            _ => (null, Refuse(TransferCodes.BadRedirect, createdAt, "a Location that is not an http or https URL without a user name")),
        };
    }

    private const int LengthMax = 8 * 1024;

    private static AttemptFailure Refuse(string code, Uri createdAt, string what) => new()
    {
        Code = code,
        Message = $"{RedirectRules.Origin(createdAt)} created the upload at {what}.",
        Retryable = false,
    };
}
