package cli

import "net/netip"

// mostNetworks keeps looking through them cheap: it is done for each connection, and for each entry of X-Forwarded-For.
const mostNetworks = 256

// trustUnixPeers stands for the peers on unix sockets, which have no address.
const trustUnixPeers = "unix"

// networks reads the values of --trusted.
func networks(values []string) (networks []netip.Prefix, unix bool, err error) {
	for _, value := range values {
		if value == trustUnixPeers {
			unix = true
			continue
		}
		network, err := network(value)
		if err != nil {
			return nil, false, err
		}
		networks = append(networks, network)
	}
	if len(networks) > mostNetworks {
		return nil, false, badInput("--trusted was given %d networks, expected at most %d", len(networks), mostNetworks)
	}
	return networks, unix, nil
}

// network reads a network or a single address. IPv4 written as IPv6 becomes IPv4.
func network(value string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(value)
	if err != nil {
		addr, addrErr := netip.ParseAddr(value)
		if addrErr != nil || addr.Zone() != "" {
			return netip.Prefix{}, badInput("--trusted %q is no network, expected one such as 10.0.0.0/8, an address or %s", value, trustUnixPeers)
		}
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	if prefix.Addr().Is4In6() {
		if prefix.Bits() < 96 {
			return netip.Prefix{}, badInput("--trusted %q has more than the IPv4 addresses, expected a prefix of 96 to 128 bits", value)
		}
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	if masked := prefix.Masked(); masked != prefix {
		return netip.Prefix{}, badInput("--trusted %q has bits outside its network, expected %s", value, masked)
	}
	return prefix, nil
}
