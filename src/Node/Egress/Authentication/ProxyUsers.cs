using Backhaul.Node.Security;
using Backhaul.Protocol;

namespace Backhaul.Node.Egress;

/// <summary>
/// Proxies with the users that clients gave for them. Each is one object while it is in use, and so one route with tunnels of its own: nobody else's request
/// goes through a tunnel that another's credential opened. At most so many are kept, as many as there are routes; a user that was let go is only made again.
/// </summary>
internal sealed class ProxyUsers(int usersMax)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(Secret.Proxy Proxy, CredentialRule Given), Secret.Proxy> _made = [];

    public Secret.Proxy Of(Secret.Proxy proxy, CredentialRule given, Secret.Basic user)
    {
        lock (_lock)
        {
            if (_made.TryGetValue((proxy, given), out var made))
                return made;
            if (_made.Count >= usersMax)
                _made.Clear();
            // By the text of what was given: two users of one proxy must not share what it is remembered to accept.
            var name = given.Secret!;
            return _made[(proxy, given)] = new Secret.Proxy(name, proxy.Url, new Secret.Basic(name, user.UserName, user.Password), given);
        }
    }
}
