namespace Backhaul.Node.Sessions;

/// <summary>Why a task does not start under the present conditions.</summary>
/// <param name="Reason">A word of <see cref="WaitReasons"/>.</param>
/// <param name="Until">When it is looked at again; null: when something changes.</param>
/// <param name="Why">A sentence with what is behind it.</param>
internal sealed record StartHold(string Reason, DateTimeOffset? Until, string Why);
